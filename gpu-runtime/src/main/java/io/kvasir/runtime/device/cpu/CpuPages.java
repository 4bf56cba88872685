package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.PageMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Arena memory: one native segment, aligned to 2 MiB. The operating system maps it as it is first
 * touched, so a large arena costs nothing until it fills.
 */
final class CpuPages implements PageMemory {
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private PageChecksums checksums;
  private boolean closed;

  CpuPages(long bytes) {
    if (bytes < 0) {
      throw new DeviceException("arena bytes=" + bytes + " is negative, use at least 0");
    }
    long available = availableBytes();
    if (bytes > available) {
      throw new DeviceException(
          "arena bytes="
              + bytes
              + " exceeds the "
              + available
              + " bytes of memory that this machine has free, make the KV arena smaller");
    }
    segment = map(bytes);
  }

  private MemorySegment map(long bytes) {
    try {
      return HugeMemory.allocate(arena, bytes);
    } catch (OutOfMemoryError e) {
      throw new DeviceException(
          "arena bytes=" + bytes + " was refused by the system, make the KV arena smaller", e);
    }
  }

  /** Free memory by the kernel's own estimate; unlimited where it does not say. */
  private static long availableBytes() {
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

  /** The segment behind {@code memory}. */
  static MemorySegment require(PageMemory memory) {
    if (!(memory instanceof CpuPages own)) {
      throw new DeviceException(
          "page memory is not of the CPU device, allocate it with this device's pages()");
    }
    if (own.closed) {
      throw new DeviceException("page memory is closed, keep the arena open while it is used");
    }
    return own.segment;
  }

  /** Made at first use: most arenas are never summed. */
  PageChecksums checksums() {
    if (checksums == null) {
      checksums = new PageChecksums(segment);
    }
    return checksums;
  }

  @Override
  public long bytes() {
    return segment.byteSize();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      arena.close();
    }
  }
}
