package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.FrameLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Pages of bf16: a shift widens. */
final class Bf16PageReader implements PageReader {
  static final Bf16PageReader INSTANCE = new Bf16PageReader();
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  private Bf16PageReader() {}

  @Override
  public void keys(
      MemorySegment pages,
      FrameLayout layout,
      long frame,
      int slot,
      int count,
      float[] to,
      int at) {
    int slots = layout.slots();
    int width = layout.keyWidth();
    for (int i = 0; i < count; i += L) {
      column(pages, frame + 2L * (slot + i), 2L * slots, width, to, at + i);
    }
  }

  private static void column(
      MemorySegment pages, long from, long strideBytes, int rows, float[] to, int at) {
    for (int c = 0; c < rows; c++) {
      widen(pages, from + c * strideBytes).intoArray(to, at + c * PANEL);
    }
  }

  @Override
  public void values(
      MemorySegment pages,
      FrameLayout layout,
      long frame,
      int slot,
      int count,
      int channel,
      float[] to,
      int at) {
    int width = layout.valueWidth();
    int valid = Math.min(PANEL, width - channel);
    long from = frame + layout.keyBytes() + 2L * ((long) slot * width + channel);
    int j = 0;
    for (; j + L <= valid; j += L) {
      column(pages, from + 2L * j, 2L * width, count, to, at + j);
    }
    for (; j < valid; j++) {
      for (int i = 0; i < count; i++) {
        long address = from + 2L * ((long) i * width + j);
        to[at + i * PANEL + j] = Frames.read(pages, layout, address);
      }
    }
  }

  static FloatVector widen(MemorySegment pages, long from) {
    IntVector wide =
        (IntVector)
            ShortVector.fromMemorySegment(Lanes.S, pages, from, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.I, 0);
    return wide.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }
}
