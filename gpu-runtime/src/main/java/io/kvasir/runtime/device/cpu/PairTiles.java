package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.WeightFormat;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Four rows against two neighbouring panels at once, straight from packed weights: the pass that
 * brings panels from memory. Two streams and little arithmetic a cache line keep so many lines
 * under way that these rows cost hardly more than reading; the rows after them find both panels in
 * the cache. Sixteen running sums: for 32 registers.
 */
final class PairTiles {
  /** Rows of a pass. */
  static final int ROWS = 4;

  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;
  private static final int BLOCK = WeightFormat.BLOCK;

  private PairTiles() {}

  /**
   * As {@link Bf16Tiles} for {@link #ROWS} rows. The second panel lies {@code length} after the
   * first, its sums {@code cNext} after those of the first; rows of sums are {@link Lanes#PANEL}
   * apart.
   */
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
    for (int k = 0; k < depth; k++) {
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + k]);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + k]);
      IntVector p = ShortVector.fromArray(Lanes.S_FULL, b, b0 + k * PANEL).reinterpretAsInts();
      FloatVector w0 = PanelExpander.lowBf16(p);
      FloatVector w1 = PanelExpander.highBf16(p);
      s0 = x0.fma(w0, s0);
      t0 = x0.fma(w1, t0);
      s1 = x1.fma(w0, s1);
      t1 = x1.fma(w1, t1);
      s2 = x2.fma(w0, s2);
      t2 = x2.fma(w1, t2);
      s3 = x3.fma(w0, s3);
      t3 = x3.fma(w1, t3);
      IntVector q = ShortVector.fromArray(Lanes.S_FULL, b, b1 + k * PANEL).reinterpretAsInts();
      FloatVector w2 = PanelExpander.lowBf16(q);
      FloatVector w3 = PanelExpander.highBf16(q);
      u0 = x0.fma(w2, u0);
      v0 = x0.fma(w3, v0);
      u1 = x1.fma(w2, u1);
      v1 = x1.fma(w3, v1);
      u2 = x2.fma(w2, u2);
      v2 = x2.fma(w3, v2);
      u3 = x3.fma(w2, u3);
      v3 = x3.fma(w3, v3);
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
  }

  /**
   * As {@link Int8Tiles} for {@link #ROWS} rows; the scales of the second panel lie {@code
   * scaleLength} after those of the first.
   */
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
      int end = Math.min(depth, from + BLOCK);
      for (int k = from; k < end; k++) {
        FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
        FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
        FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + k]);
        FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + k]);
        FloatVector w0 = PanelExpander.int8(b, b0 + k * PANEL);
        FloatVector w1 = PanelExpander.int8(b, b0 + k * PANEL + L);
        s0 = x0.fma(w0, s0);
        t0 = x0.fma(w1, t0);
        s1 = x1.fma(w0, s1);
        t1 = x1.fma(w1, t1);
        s2 = x2.fma(w0, s2);
        t2 = x2.fma(w1, t2);
        s3 = x3.fma(w0, s3);
        t3 = x3.fma(w1, t3);
        FloatVector w2 = PanelExpander.int8(b, b1 + k * PANEL);
        FloatVector w3 = PanelExpander.int8(b, b1 + k * PANEL + L);
        u0 = x0.fma(w2, u0);
        v0 = x0.fma(w3, v0);
        u1 = x1.fma(w2, u1);
        v1 = x1.fma(w3, v1);
        u2 = x2.fma(w2, u2);
        v2 = x2.fma(w3, v2);
        u3 = x3.fma(w2, u3);
        v3 = x3.fma(w3, v3);
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
    }
  }
}
