package io.kvasir.transport;

/**
 * A place in a node's registered memory at one moment of its life: the slot is still the same as
 * long as its generation is.
 *
 * @param regionId id given by {@link BlockTransport#register}
 * @param slot slot in the region
 * @param generation generation of the slot when the reference was made
 */
public record BlockRef(int regionId, int slot, int generation) {}
