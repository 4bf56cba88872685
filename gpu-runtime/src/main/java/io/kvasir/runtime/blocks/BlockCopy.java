package io.kvasir.runtime.blocks;

import java.lang.foreign.MemorySegment;

/**
 * A block to be copied off a device.
 *
 * @param id the block
 * @param target at least {@code blockBytes} of its group; native memory of a shared arena, not
 *     touched by others until the copy has completed
 */
public record BlockCopy(BlockId id, MemorySegment target) {}
