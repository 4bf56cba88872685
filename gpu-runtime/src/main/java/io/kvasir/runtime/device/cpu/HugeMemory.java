package io.kvasir.runtime.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.agrona.UnsafeApi;

/** Memory for pages and blocks, on huge pages where the kernel grants them. Any thread. */
public final class HugeMemory {
  private static final long ALIGNMENT_BYTES = 2L << 20;

  private HugeMemory() {}

  /**
   * Memory that is aligned to a huge page, mapped as it is first touched, and of undefined content.
   *
   * @param arena owns it
   * @throws OutOfMemoryError if the system grants no more
   */
  @SuppressWarnings("restricted") // the cleanup action frees exactly what was allocated here
  public static MemorySegment allocate(Arena arena, long bytes) {
    long address;
    try {
      address = UnsafeApi.allocateMemory(bytes + ALIGNMENT_BYTES);
    } catch (IllegalAccessError e) {
      // Started without --add-opens java.base/jdk.internal.misc: memory that is touched at once.
      return arena.allocate(bytes, ALIGNMENT_BYTES);
    }
    long aligned = (address + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
    HugePages.advise(aligned, bytes);
    return MemorySegment.ofAddress(aligned)
        .reinterpret(bytes, arena, ignored -> UnsafeApi.freeMemory(address));
  }
}
