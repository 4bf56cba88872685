package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.WeightFormat;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * One row times one panel: {@code sums[0 .. PANEL)} receives the chains. Weights are widened in
 * registers and read once, front to back; a panel is one stream, which the hardware prefetches.
 */
final class PanelGemv {
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;
  private static final int BLOCK = WeightFormat.BLOCK;

  private PanelGemv() {}

  static void f32(float[] x, int xAt, int depth, float[] w, int wAt, float[] sums) {
    FloatVector s = FloatVector.zero(Lanes.F);
    FloatVector t = FloatVector.zero(Lanes.F);
    for (int k = 0; k < depth; k++) {
      FloatVector value = FloatVector.broadcast(Lanes.F, x[xAt + k]);
      s = value.fma(FloatVector.fromArray(Lanes.F, w, wAt + k * PANEL), s);
      t = value.fma(FloatVector.fromArray(Lanes.F, w, wAt + k * PANEL + L), t);
    }
    s.intoArray(sums, 0);
    t.intoArray(sums, L);
  }

  static void bf16(float[] x, int xAt, int depth, short[] w, int wAt, float[] sums) {
    FloatVector s = FloatVector.zero(Lanes.F);
    FloatVector t = FloatVector.zero(Lanes.F);
    for (int k = 0; k < depth; k++) {
      IntVector pair = ShortVector.fromArray(Lanes.S_FULL, w, wAt + k * PANEL).reinterpretAsInts();
      FloatVector value = FloatVector.broadcast(Lanes.F, x[xAt + k]);
      s = value.fma(PanelExpander.lowBf16(pair), s);
      t = value.fma(PanelExpander.highBf16(pair), t);
    }
    s.intoArray(sums, 0);
    t.intoArray(sums, L);
  }

  /** Four panels, {@code length} apart, at once; sums of panel i at {@code i × PANEL}. */
  static void bf16x4(float[] x, int xAt, int depth, short[] w, int wAt, int length, float[] sums) {
    int w0 = wAt + 0 * length;
    FloatVector s0 = FloatVector.zero(Lanes.F);
    FloatVector t0 = FloatVector.zero(Lanes.F);
    int w1 = wAt + 1 * length;
    FloatVector s1 = FloatVector.zero(Lanes.F);
    FloatVector t1 = FloatVector.zero(Lanes.F);
    int w2 = wAt + 2 * length;
    FloatVector s2 = FloatVector.zero(Lanes.F);
    FloatVector t2 = FloatVector.zero(Lanes.F);
    int w3 = wAt + 3 * length;
    FloatVector s3 = FloatVector.zero(Lanes.F);
    FloatVector t3 = FloatVector.zero(Lanes.F);
    for (int k = 0; k < depth; k++) {
      FloatVector value = FloatVector.broadcast(Lanes.F, x[xAt + k]);
      IntVector p0 = ShortVector.fromArray(Lanes.S_FULL, w, w0 + k * PANEL).reinterpretAsInts();
      s0 = value.fma(PanelExpander.lowBf16(p0), s0);
      t0 = value.fma(PanelExpander.highBf16(p0), t0);
      IntVector p1 = ShortVector.fromArray(Lanes.S_FULL, w, w1 + k * PANEL).reinterpretAsInts();
      s1 = value.fma(PanelExpander.lowBf16(p1), s1);
      t1 = value.fma(PanelExpander.highBf16(p1), t1);
      IntVector p2 = ShortVector.fromArray(Lanes.S_FULL, w, w2 + k * PANEL).reinterpretAsInts();
      s2 = value.fma(PanelExpander.lowBf16(p2), s2);
      t2 = value.fma(PanelExpander.highBf16(p2), t2);
      IntVector p3 = ShortVector.fromArray(Lanes.S_FULL, w, w3 + k * PANEL).reinterpretAsInts();
      s3 = value.fma(PanelExpander.lowBf16(p3), s3);
      t3 = value.fma(PanelExpander.highBf16(p3), t3);
    }
    s0.intoArray(sums, 0 * PANEL);
    t0.intoArray(sums, 0 * PANEL + L);
    s1.intoArray(sums, 1 * PANEL);
    t1.intoArray(sums, 1 * PANEL + L);
    s2.intoArray(sums, 2 * PANEL);
    t2.intoArray(sums, 2 * PANEL + L);
    s3.intoArray(sums, 3 * PANEL);
    t3.intoArray(sums, 3 * PANEL + L);
  }

  static void f16(float[] x, int xAt, int depth, short[] w, int wAt, float[] sums) {
    FloatVector s = FloatVector.zero(Lanes.F);
    FloatVector t = FloatVector.zero(Lanes.F);
    for (int k = 0; k < depth; k++) {
      IntVector pair = ShortVector.fromArray(Lanes.S_FULL, w, wAt + k * PANEL).reinterpretAsInts();
      FloatVector value = FloatVector.broadcast(Lanes.F, x[xAt + k]);
      s = value.fma(PanelExpander.lowF16(pair), s);
      t = value.fma(PanelExpander.highF16(pair), t);
    }
    s.intoArray(sums, 0);
    t.intoArray(sums, L);
  }

  static void int8(
      float[] x, int xAt, int depth, byte[] w, int wAt, float[] scales, int scaleAt, float[] sums) {
    FloatVector total0 = FloatVector.zero(Lanes.F);
    FloatVector total1 = FloatVector.zero(Lanes.F);
    for (int from = 0; from < depth; from += BLOCK) {
      int to = Math.min(depth, from + BLOCK);
      FloatVector s = FloatVector.zero(Lanes.F);
      FloatVector t = FloatVector.zero(Lanes.F);
      for (int k = from; k < to; k++) {
        FloatVector value = FloatVector.broadcast(Lanes.F, x[xAt + k]);
        s = value.fma(PanelExpander.int8(w, wAt + k * PANEL), s);
        t = value.fma(PanelExpander.int8(w, wAt + k * PANEL + L), t);
      }
      int scale = scaleAt + from / BLOCK * PANEL;
      total0 = s.fma(FloatVector.fromArray(Lanes.F, scales, scale), total0);
      total1 = t.fma(FloatVector.fromArray(Lanes.F, scales, scale + L), total1);
    }
    total0.intoArray(sums, 0);
    total1.intoArray(sums, L);
  }

  static void int4(
      float[] x, int xAt, int depth, byte[] w, int wAt, float[] scales, int scaleAt, float[] sums) {
    FloatVector total0 = FloatVector.zero(Lanes.F);
    FloatVector total1 = FloatVector.zero(Lanes.F);
    for (int from = 0; from < depth; from += BLOCK) {
      int to = Math.min(depth, from + BLOCK);
      FloatVector s = FloatVector.zero(Lanes.F);
      FloatVector t = FloatVector.zero(Lanes.F);
      int k = from;
      for (; k + 1 < to; k += 2) {
        int row = wAt + k / 2 * PANEL;
        IntVector first = PanelExpander.bytes(w, row);
        IntVector second = PanelExpander.bytes(w, row + L);
        FloatVector value = FloatVector.broadcast(Lanes.F, x[xAt + k]);
        s = value.fma(PanelExpander.evenInt4(first), s);
        t = value.fma(PanelExpander.evenInt4(second), t);
        value = FloatVector.broadcast(Lanes.F, x[xAt + k + 1]);
        s = value.fma(PanelExpander.oddInt4(first), s);
        t = value.fma(PanelExpander.oddInt4(second), t);
      }
      if (k < to) {
        int row = wAt + k / 2 * PANEL;
        FloatVector value = FloatVector.broadcast(Lanes.F, x[xAt + k]);
        s = value.fma(PanelExpander.evenInt4(PanelExpander.bytes(w, row)), s);
        t = value.fma(PanelExpander.evenInt4(PanelExpander.bytes(w, row + L)), t);
      }
      int scale = scaleAt + from / BLOCK * PANEL;
      total0 = s.fma(FloatVector.fromArray(Lanes.F, scales, scale), total0);
      total1 = t.fma(FloatVector.fromArray(Lanes.F, scales, scale + L), total1);
    }
    total0.intoArray(sums, 0);
    total1.intoArray(sums, L);
  }
}
