package io.kvasir.runtime.cache;

/**
 * A point-in-time picture of a {@link KvCache}.
 *
 * @param bytes pages the arena can hold
 * @param usedBytes pages in use, cached blocks included
 * @param referencedBytes pages that somebody holds a reference to
 * @param stateBytes device memory of recurrent states, journals and spares
 * @param leases open leases
 * @param blocks keyed blocks, referenced or not
 * @param evictedBlocks blocks evicted so far
 * @param sealedBlocks blocks sealed so far
 * @param duplicateBlocks blocks sealed under a key that was already there
 * @param lookups prefix look-ups so far
 * @param lookupTokens tokens asked for by them
 * @param hitTokens tokens attached by them
 * @param copiedPages pages copied because a shared one was to be written
 * @param refusedReservations reservations that found no page
 */
public record CacheStats(
    long bytes,
    long usedBytes,
    long referencedBytes,
    long stateBytes,
    int leases,
    int blocks,
    long evictedBlocks,
    long sealedBlocks,
    long duplicateBlocks,
    long lookups,
    long lookupTokens,
    long hitTokens,
    long copiedPages,
    long refusedReservations) {
  /** Pages that could be had for new work. */
  public long freeableBytes() {
    return bytes - referencedBytes;
  }
}
