package io.kvasir.runtime.device.cpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.UnsafeApi;

/** Memory for pages and blocks, on huge pages where the kernel grants them. Any thread. */
public final class HugeMemory {
  private static final long ALIGNMENT_BYTES = 2L << 20;

  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private HugeMemory() {}

  /**
   * Memory as {@link #allocate} gives it, but filled with zeros and so taken from the system at
   * once.
   *
   * @param arena owns it
   * @throws OutOfMemoryError if the machine has less free; the system would grant it and then end a
   *     process
   */
  public static MemorySegment allocateWhole(Arena arena, long bytes) {
    long available = availableBytes();
    if (bytes > available) {
      throw new OutOfMemoryError(
          bytes
              + " bytes are wanted and "
              + available
              + " are free on this machine, ask for fewer");
    }
    return allocate(arena, bytes).fill((byte) 0);
  }

  /** Free memory by the kernel's own estimate; unlimited where it does not say. */
  static long availableBytes() {
    try {
      if (!Files.isReadable(MEMINFO)) {
        return Long.MAX_VALUE;
      }
      for (String line : Files.readAllLines(MEMINFO)) {
        if (line.startsWith("MemAvailable:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
      return Long.MAX_VALUE;
    } catch (IOException | NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

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
