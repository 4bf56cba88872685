package io.kvasir.runtime.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC32C over an arena without allocating: the JDK sums byte buffers, which reach almost 2 GiB, so
 * windows of that size are laid over the arena, a new one each GiB. One thread.
 */
final class PageChecksums {
  private static final long STEP_BYTES = 1L << 30;

  /** Below what a segment may have that is to be wrapped as a byte buffer. */
  private static final long WINDOW_BYTES = 2 * STEP_BYTES - 64;

  private final CRC32C crc = new CRC32C();
  private final ByteBuffer[] windows;

  PageChecksums(MemorySegment pages) {
    int count = (int) Math.max(1, (pages.byteSize() + STEP_BYTES - 1) / STEP_BYTES);
    windows = new ByteBuffer[count];
    for (int i = 0; i < count; i++) {
      long from = i * STEP_BYTES;
      long length = Math.min(WINDOW_BYTES, pages.byteSize() - from);
      windows[i] = pages.asSlice(from, length).asByteBuffer();
    }
  }

  /**
   * @param lengthBytes at most 1 GiB − 64
   */
  int of(long offsetBytes, long lengthBytes) {
    ByteBuffer window = windows[(int) (offsetBytes / STEP_BYTES)];
    int from = (int) (offsetBytes % STEP_BYTES);
    window.limit((int) (from + lengthBytes)).position(from);
    crc.reset();
    crc.update(window);
    return (int) crc.getValue();
  }
}
