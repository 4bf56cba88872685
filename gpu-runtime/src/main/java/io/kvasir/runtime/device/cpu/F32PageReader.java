package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.FrameLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/** Pages of f32: rows are copied into panel order. */
final class F32PageReader implements PageReader {
  static final F32PageReader INSTANCE = new F32PageReader();
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  private F32PageReader() {}

  @Override
  public void keys(
      MemorySegment pages,
      FrameLayout layout,
      long frame,
      int slot,
      int count,
      float[] to,
      int at) {
    for (int i = 0; i < count; i += L) {
      long from = frame + 4L * (slot + i);
      column(pages, from, 4L * layout.slots(), layout.keyWidth(), to, at + i);
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
    long from = frame + layout.keyBytes() + 4L * ((long) slot * width + channel);
    int j = 0;
    for (; j + L <= valid; j += L) {
      column(pages, from + 4L * j, 4L * width, count, to, at + j);
    }
    for (; j < valid; j++) {
      for (int i = 0; i < count; i++) {
        long address = from + 4L * ((long) i * width + j);
        to[at + i * PANEL + j] = Frames.read(pages, layout, address);
      }
    }
  }

  private static void column(
      MemorySegment pages, long from, long strideBytes, int rows, float[] to, int at) {
    for (int c = 0; c < rows; c++) {
      FloatVector.fromMemorySegment(Lanes.F, pages, from + c * strideBytes, ByteOrder.LITTLE_ENDIAN)
          .intoArray(to, at + c * PANEL);
    }
  }
}
