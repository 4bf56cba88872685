package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.PageMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Arena memory: one native segment, aligned to 2 MiB. The operating system maps it as it is first
 * touched, so a large arena costs nothing until it fills.
 */
final class CpuPages implements PageMemory {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private PageChecksums checksums;
  private boolean closed;

  CpuPages(long bytes) {
    if (bytes < 0) {
      throw new DeviceException("arena bytes=" + bytes + " is negative, use at least 0");
    }
    long available = HugeMemory.availableBytes();
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
