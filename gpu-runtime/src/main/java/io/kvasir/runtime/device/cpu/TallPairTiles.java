package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.WeightFormat;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * As {@link PairTiles} for six rows: 24 running sums beside the weights of two panels. Inputs are
 * read one by one, not all of them first, so that few values are alive at once.
 */
final class TallPairTiles {
  /** Rows of a pass. */
  static final int ROWS = 6;

  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;
  private static final int BLOCK = WeightFormat.BLOCK;

  private TallPairTiles() {}

  static void bf16(
      float[] a,
      int a0,
      int aStride,
      short[] b,
      int b0,
      int length,
      int depth,
      float[] c,
      int c0,
      int cNext) {
    int b1 = b0 + length;
    int d0 = c0 + cNext;
    int a1 = a0 + aStride;
    int c1 = c0 + PANEL;
    int d1 = d0 + PANEL;
    int a2 = a1 + aStride;
    int c2 = c1 + PANEL;
    int d2 = d1 + PANEL;
    int a3 = a2 + aStride;
    int c3 = c2 + PANEL;
    int d3 = d2 + PANEL;
    int a4 = a3 + aStride;
    int c4 = c3 + PANEL;
    int d4 = d3 + PANEL;
    int a5 = a4 + aStride;
    int c5 = c4 + PANEL;
    int d5 = d4 + PANEL;
    FloatVector s0 = FloatVector.fromArray(Lanes.F, c, c0);
    FloatVector t0 = FloatVector.fromArray(Lanes.F, c, c0 + L);
    FloatVector u0 = FloatVector.fromArray(Lanes.F, c, d0);
    FloatVector v0 = FloatVector.fromArray(Lanes.F, c, d0 + L);
    FloatVector s1 = FloatVector.fromArray(Lanes.F, c, c1);
    FloatVector t1 = FloatVector.fromArray(Lanes.F, c, c1 + L);
    FloatVector u1 = FloatVector.fromArray(Lanes.F, c, d1);
    FloatVector v1 = FloatVector.fromArray(Lanes.F, c, d1 + L);
    FloatVector s2 = FloatVector.fromArray(Lanes.F, c, c2);
    FloatVector t2 = FloatVector.fromArray(Lanes.F, c, c2 + L);
    FloatVector u2 = FloatVector.fromArray(Lanes.F, c, d2);
    FloatVector v2 = FloatVector.fromArray(Lanes.F, c, d2 + L);
    FloatVector s3 = FloatVector.fromArray(Lanes.F, c, c3);
    FloatVector t3 = FloatVector.fromArray(Lanes.F, c, c3 + L);
    FloatVector u3 = FloatVector.fromArray(Lanes.F, c, d3);
    FloatVector v3 = FloatVector.fromArray(Lanes.F, c, d3 + L);
    FloatVector s4 = FloatVector.fromArray(Lanes.F, c, c4);
    FloatVector t4 = FloatVector.fromArray(Lanes.F, c, c4 + L);
    FloatVector u4 = FloatVector.fromArray(Lanes.F, c, d4);
    FloatVector v4 = FloatVector.fromArray(Lanes.F, c, d4 + L);
    FloatVector s5 = FloatVector.fromArray(Lanes.F, c, c5);
    FloatVector t5 = FloatVector.fromArray(Lanes.F, c, c5 + L);
    FloatVector u5 = FloatVector.fromArray(Lanes.F, c, d5);
    FloatVector v5 = FloatVector.fromArray(Lanes.F, c, d5 + L);
    for (int k = 0; k < depth; k++) {
      IntVector p = ShortVector.fromArray(Lanes.S_FULL, b, b0 + k * PANEL).reinterpretAsInts();
      FloatVector w0 = PanelExpander.lowBf16(p);
      FloatVector w1 = PanelExpander.highBf16(p);
      IntVector q = ShortVector.fromArray(Lanes.S_FULL, b, b1 + k * PANEL).reinterpretAsInts();
      FloatVector w2 = PanelExpander.lowBf16(q);
      FloatVector w3 = PanelExpander.highBf16(q);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
      s0 = x0.fma(w0, s0);
      t0 = x0.fma(w1, t0);
      u0 = x0.fma(w2, u0);
      v0 = x0.fma(w3, v0);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
      s1 = x1.fma(w0, s1);
      t1 = x1.fma(w1, t1);
      u1 = x1.fma(w2, u1);
      v1 = x1.fma(w3, v1);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + k]);
      s2 = x2.fma(w0, s2);
      t2 = x2.fma(w1, t2);
      u2 = x2.fma(w2, u2);
      v2 = x2.fma(w3, v2);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + k]);
      s3 = x3.fma(w0, s3);
      t3 = x3.fma(w1, t3);
      u3 = x3.fma(w2, u3);
      v3 = x3.fma(w3, v3);
      FloatVector x4 = FloatVector.broadcast(Lanes.F, a[a4 + k]);
      s4 = x4.fma(w0, s4);
      t4 = x4.fma(w1, t4);
      u4 = x4.fma(w2, u4);
      v4 = x4.fma(w3, v4);
      FloatVector x5 = FloatVector.broadcast(Lanes.F, a[a5 + k]);
      s5 = x5.fma(w0, s5);
      t5 = x5.fma(w1, t5);
      u5 = x5.fma(w2, u5);
      v5 = x5.fma(w3, v5);
    }
    s0.intoArray(c, c0);
    t0.intoArray(c, c0 + L);
    u0.intoArray(c, d0);
    v0.intoArray(c, d0 + L);
    s1.intoArray(c, c1);
    t1.intoArray(c, c1 + L);
    u1.intoArray(c, d1);
    v1.intoArray(c, d1 + L);
    s2.intoArray(c, c2);
    t2.intoArray(c, c2 + L);
    u2.intoArray(c, d2);
    v2.intoArray(c, d2 + L);
    s3.intoArray(c, c3);
    t3.intoArray(c, c3 + L);
    u3.intoArray(c, d3);
    v3.intoArray(c, d3 + L);
    s4.intoArray(c, c4);
    t4.intoArray(c, c4 + L);
    u4.intoArray(c, d4);
    v4.intoArray(c, d4 + L);
    s5.intoArray(c, c5);
    t5.intoArray(c, c5 + L);
    u5.intoArray(c, d5);
    v5.intoArray(c, d5 + L);
  }

  static void int8(
      float[] a,
      int a0,
      int aStride,
      byte[] b,
      int b0,
      int length,
      int depth,
      float[] scales,
      int scaleAt,
      int scaleLength,
      float[] c,
      int c0,
      int cNext) {
    int b1 = b0 + length;
    int d0 = c0 + cNext;
    int a1 = a0 + aStride;
    int c1 = c0 + PANEL;
    int d1 = d0 + PANEL;
    int a2 = a1 + aStride;
    int c2 = c1 + PANEL;
    int d2 = d1 + PANEL;
    int a3 = a2 + aStride;
    int c3 = c2 + PANEL;
    int d3 = d2 + PANEL;
    int a4 = a3 + aStride;
    int c4 = c3 + PANEL;
    int d4 = d3 + PANEL;
    int a5 = a4 + aStride;
    int c5 = c4 + PANEL;
    int d5 = d4 + PANEL;
    int scale = scaleAt;
    for (int from = 0; from < depth; from += BLOCK, scale += PANEL) {
      FloatVector s0 = FloatVector.zero(Lanes.F);
      FloatVector t0 = FloatVector.zero(Lanes.F);
      FloatVector u0 = FloatVector.zero(Lanes.F);
      FloatVector v0 = FloatVector.zero(Lanes.F);
      FloatVector s1 = FloatVector.zero(Lanes.F);
      FloatVector t1 = FloatVector.zero(Lanes.F);
      FloatVector u1 = FloatVector.zero(Lanes.F);
      FloatVector v1 = FloatVector.zero(Lanes.F);
      FloatVector s2 = FloatVector.zero(Lanes.F);
      FloatVector t2 = FloatVector.zero(Lanes.F);
      FloatVector u2 = FloatVector.zero(Lanes.F);
      FloatVector v2 = FloatVector.zero(Lanes.F);
      FloatVector s3 = FloatVector.zero(Lanes.F);
      FloatVector t3 = FloatVector.zero(Lanes.F);
      FloatVector u3 = FloatVector.zero(Lanes.F);
      FloatVector v3 = FloatVector.zero(Lanes.F);
      FloatVector s4 = FloatVector.zero(Lanes.F);
      FloatVector t4 = FloatVector.zero(Lanes.F);
      FloatVector u4 = FloatVector.zero(Lanes.F);
      FloatVector v4 = FloatVector.zero(Lanes.F);
      FloatVector s5 = FloatVector.zero(Lanes.F);
      FloatVector t5 = FloatVector.zero(Lanes.F);
      FloatVector u5 = FloatVector.zero(Lanes.F);
      FloatVector v5 = FloatVector.zero(Lanes.F);
      int end = Math.min(depth, from + BLOCK);
      for (int k = from; k < end; k++) {
        FloatVector w0 = PanelExpander.int8(b, b0 + k * PANEL);
        FloatVector w1 = PanelExpander.int8(b, b0 + k * PANEL + L);
        FloatVector w2 = PanelExpander.int8(b, b1 + k * PANEL);
        FloatVector w3 = PanelExpander.int8(b, b1 + k * PANEL + L);
        FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
        s0 = x0.fma(w0, s0);
        t0 = x0.fma(w1, t0);
        u0 = x0.fma(w2, u0);
        v0 = x0.fma(w3, v0);
        FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
        s1 = x1.fma(w0, s1);
        t1 = x1.fma(w1, t1);
        u1 = x1.fma(w2, u1);
        v1 = x1.fma(w3, v1);
        FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + k]);
        s2 = x2.fma(w0, s2);
        t2 = x2.fma(w1, t2);
        u2 = x2.fma(w2, u2);
        v2 = x2.fma(w3, v2);
        FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + k]);
        s3 = x3.fma(w0, s3);
        t3 = x3.fma(w1, t3);
        u3 = x3.fma(w2, u3);
        v3 = x3.fma(w3, v3);
        FloatVector x4 = FloatVector.broadcast(Lanes.F, a[a4 + k]);
        s4 = x4.fma(w0, s4);
        t4 = x4.fma(w1, t4);
        u4 = x4.fma(w2, u4);
        v4 = x4.fma(w3, v4);
        FloatVector x5 = FloatVector.broadcast(Lanes.F, a[a5 + k]);
        s5 = x5.fma(w0, s5);
        t5 = x5.fma(w1, t5);
        u5 = x5.fma(w2, u5);
        v5 = x5.fma(w3, v5);
      }
      int next = scale + scaleLength;
      FloatVector y0 = FloatVector.fromArray(Lanes.F, scales, scale);
      FloatVector y1 = FloatVector.fromArray(Lanes.F, scales, scale + L);
      FloatVector y2 = FloatVector.fromArray(Lanes.F, scales, next);
      FloatVector y3 = FloatVector.fromArray(Lanes.F, scales, next + L);
      s0.fma(y0, FloatVector.fromArray(Lanes.F, c, c0)).intoArray(c, c0);
      t0.fma(y1, FloatVector.fromArray(Lanes.F, c, c0 + L)).intoArray(c, c0 + L);
      u0.fma(y2, FloatVector.fromArray(Lanes.F, c, d0)).intoArray(c, d0);
      v0.fma(y3, FloatVector.fromArray(Lanes.F, c, d0 + L)).intoArray(c, d0 + L);
      s1.fma(y0, FloatVector.fromArray(Lanes.F, c, c1)).intoArray(c, c1);
      t1.fma(y1, FloatVector.fromArray(Lanes.F, c, c1 + L)).intoArray(c, c1 + L);
      u1.fma(y2, FloatVector.fromArray(Lanes.F, c, d1)).intoArray(c, d1);
      v1.fma(y3, FloatVector.fromArray(Lanes.F, c, d1 + L)).intoArray(c, d1 + L);
      s2.fma(y0, FloatVector.fromArray(Lanes.F, c, c2)).intoArray(c, c2);
      t2.fma(y1, FloatVector.fromArray(Lanes.F, c, c2 + L)).intoArray(c, c2 + L);
      u2.fma(y2, FloatVector.fromArray(Lanes.F, c, d2)).intoArray(c, d2);
      v2.fma(y3, FloatVector.fromArray(Lanes.F, c, d2 + L)).intoArray(c, d2 + L);
      s3.fma(y0, FloatVector.fromArray(Lanes.F, c, c3)).intoArray(c, c3);
      t3.fma(y1, FloatVector.fromArray(Lanes.F, c, c3 + L)).intoArray(c, c3 + L);
      u3.fma(y2, FloatVector.fromArray(Lanes.F, c, d3)).intoArray(c, d3);
      v3.fma(y3, FloatVector.fromArray(Lanes.F, c, d3 + L)).intoArray(c, d3 + L);
      s4.fma(y0, FloatVector.fromArray(Lanes.F, c, c4)).intoArray(c, c4);
      t4.fma(y1, FloatVector.fromArray(Lanes.F, c, c4 + L)).intoArray(c, c4 + L);
      u4.fma(y2, FloatVector.fromArray(Lanes.F, c, d4)).intoArray(c, d4);
      v4.fma(y3, FloatVector.fromArray(Lanes.F, c, d4 + L)).intoArray(c, d4 + L);
      s5.fma(y0, FloatVector.fromArray(Lanes.F, c, c5)).intoArray(c, c5);
      t5.fma(y1, FloatVector.fromArray(Lanes.F, c, c5 + L)).intoArray(c, c5 + L);
      u5.fma(y2, FloatVector.fromArray(Lanes.F, c, d5)).intoArray(c, d5);
      v5.fma(y3, FloatVector.fromArray(Lanes.F, c, d5 + L)).intoArray(c, d5 + L);
    }
  }
}
