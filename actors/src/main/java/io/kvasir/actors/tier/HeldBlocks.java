package io.kvasir.actors.tier;

import java.lang.foreign.MemorySegment;

/** Blocks in memory that this process can read while they are kept. Any thread. */
interface HeldBlocks extends TierLease {
  /** Bytes of a kept block, read-only. */
  MemorySegment segment(int i);

  /** Layer checksums of a kept block; not to be written. */
  int[] checksums(int i);

  /** Whether a kept block may be read now, and is the one that was kept. Asked by any thread. */
  boolean granted(int i);

  /**
   * Compares a kept block with its checksums after a device has refused it, and sees to it that
   * nobody else is given what is broken.
   *
   * @return false when it is known to be broken, or can no longer be read
   */
  boolean prove(int i);
}
