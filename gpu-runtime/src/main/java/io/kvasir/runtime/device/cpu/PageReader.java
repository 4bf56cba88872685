package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.FrameLayout;
import java.lang.foreign.MemorySegment;

/**
 * Expands tiles of page frames to f32 panels ({@link Lanes#PANEL} wide). One reader per encoding;
 * attention sees pages through readers only.
 */
interface PageReader {
  /**
   * to[at + c × PANEL + i] = channel c of the key in slot {@code slot + i}, for all channels and i
   * &lt; count.
   *
   * @param count a multiple of the vector length, at most PANEL
   */
  void keys(
      MemorySegment pages, FrameLayout layout, long frame, int slot, int count, float[] to, int at);

  /**
   * to[at + i × PANEL + j] = channel {@code channel + j} of the value in slot {@code slot + i}, for
   * i &lt; count and j &lt; min(PANEL, valueWidth − channel).
   */
  void values(
      MemorySegment pages,
      FrameLayout layout,
      long frame,
      int slot,
      int count,
      int channel,
      float[] to,
      int at);

  static PageReader of(FrameLayout layout) {
    return switch (layout.encoding()) {
      case F32 -> F32PageReader.INSTANCE;
      case BF16 -> Bf16PageReader.INSTANCE;
    };
  }
}
