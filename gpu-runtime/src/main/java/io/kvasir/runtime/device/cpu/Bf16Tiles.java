package io.kvasir.runtime.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * As {@link ChainTiles} straight from packed bf16, widened in registers: for a few rows, where
 * reading weights from memory takes longer than the arithmetic and must overlap with it.
 */
final class Bf16Tiles {
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  private Bf16Tiles() {}

  /** Runs all rows, in tiles as tall as the register file allows. */
  static void run(
      float[] a,
      int aAt,
      int aStride,
      int rows,
      short[] b,
      int bAt,
      int depth,
      float[] c,
      int cAt,
      int cStride) {
    int r = 0;
    if (Lanes.TALL) {
      for (; r + TallTiles.ROWS <= rows; r += TallTiles.ROWS) {
        TallTiles.bf16(a, aAt + r * aStride, aStride, b, bAt, depth, c, cAt + r * cStride, cStride);
      }
      for (; r + 8 <= rows; r += 8) {
        rows8(a, aAt + r * aStride, aStride, b, bAt, depth, c, cAt + r * cStride, cStride);
      }
      for (; r + 6 <= rows; r += 6) {
        rows6(a, aAt + r * aStride, aStride, b, bAt, depth, c, cAt + r * cStride, cStride);
      }
    }
    for (; r + 4 <= rows; r += 4) {
      rows4(a, aAt + r * aStride, aStride, b, bAt, depth, c, cAt + r * cStride, cStride);
    }
    for (; r + 2 <= rows; r += 2) {
      rows2(a, aAt + r * aStride, aStride, b, bAt, depth, c, cAt + r * cStride, cStride);
    }
    if (r < rows) {
      rows1(a, aAt + r * aStride, b, bAt, depth, c, cAt + r * cStride);
    }
  }

  private static void rows8(
      float[] a,
      int a0,
      int aStride,
      short[] b,
      int bAt,
      int depth,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int c1 = c0 + cStride;
    int a2 = a1 + aStride;
    int c2 = c1 + cStride;
    int a3 = a2 + aStride;
    int c3 = c2 + cStride;
    int a4 = a3 + aStride;
    int c4 = c3 + cStride;
    int a5 = a4 + aStride;
    int c5 = c4 + cStride;
    int a6 = a5 + aStride;
    int c6 = c5 + cStride;
    int a7 = a6 + aStride;
    int c7 = c6 + cStride;
    FloatVector s0 = FloatVector.fromArray(Lanes.F, c, c0);
    FloatVector t0 = FloatVector.fromArray(Lanes.F, c, c0 + L);
    FloatVector s1 = FloatVector.fromArray(Lanes.F, c, c1);
    FloatVector t1 = FloatVector.fromArray(Lanes.F, c, c1 + L);
    FloatVector s2 = FloatVector.fromArray(Lanes.F, c, c2);
    FloatVector t2 = FloatVector.fromArray(Lanes.F, c, c2 + L);
    FloatVector s3 = FloatVector.fromArray(Lanes.F, c, c3);
    FloatVector t3 = FloatVector.fromArray(Lanes.F, c, c3 + L);
    FloatVector s4 = FloatVector.fromArray(Lanes.F, c, c4);
    FloatVector t4 = FloatVector.fromArray(Lanes.F, c, c4 + L);
    FloatVector s5 = FloatVector.fromArray(Lanes.F, c, c5);
    FloatVector t5 = FloatVector.fromArray(Lanes.F, c, c5 + L);
    FloatVector s6 = FloatVector.fromArray(Lanes.F, c, c6);
    FloatVector t6 = FloatVector.fromArray(Lanes.F, c, c6 + L);
    FloatVector s7 = FloatVector.fromArray(Lanes.F, c, c7);
    FloatVector t7 = FloatVector.fromArray(Lanes.F, c, c7 + L);
    for (int k = 0; k < depth; k++) {
      IntVector p = ShortVector.fromArray(Lanes.S_FULL, b, bAt + k * PANEL).reinterpretAsInts();
      FloatVector v = PanelExpander.lowBf16(p);
      FloatVector w = PanelExpander.highBf16(p);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
      s0 = x0.fma(v, s0);
      t0 = x0.fma(w, t0);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
      s1 = x1.fma(v, s1);
      t1 = x1.fma(w, t1);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + k]);
      s2 = x2.fma(v, s2);
      t2 = x2.fma(w, t2);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + k]);
      s3 = x3.fma(v, s3);
      t3 = x3.fma(w, t3);
      FloatVector x4 = FloatVector.broadcast(Lanes.F, a[a4 + k]);
      s4 = x4.fma(v, s4);
      t4 = x4.fma(w, t4);
      FloatVector x5 = FloatVector.broadcast(Lanes.F, a[a5 + k]);
      s5 = x5.fma(v, s5);
      t5 = x5.fma(w, t5);
      FloatVector x6 = FloatVector.broadcast(Lanes.F, a[a6 + k]);
      s6 = x6.fma(v, s6);
      t6 = x6.fma(w, t6);
      FloatVector x7 = FloatVector.broadcast(Lanes.F, a[a7 + k]);
      s7 = x7.fma(v, s7);
      t7 = x7.fma(w, t7);
    }
    s0.intoArray(c, c0);
    t0.intoArray(c, c0 + L);
    s1.intoArray(c, c1);
    t1.intoArray(c, c1 + L);
    s2.intoArray(c, c2);
    t2.intoArray(c, c2 + L);
    s3.intoArray(c, c3);
    t3.intoArray(c, c3 + L);
    s4.intoArray(c, c4);
    t4.intoArray(c, c4 + L);
    s5.intoArray(c, c5);
    t5.intoArray(c, c5 + L);
    s6.intoArray(c, c6);
    t6.intoArray(c, c6 + L);
    s7.intoArray(c, c7);
    t7.intoArray(c, c7 + L);
  }

  private static void rows6(
      float[] a,
      int a0,
      int aStride,
      short[] b,
      int bAt,
      int depth,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int c1 = c0 + cStride;
    int a2 = a1 + aStride;
    int c2 = c1 + cStride;
    int a3 = a2 + aStride;
    int c3 = c2 + cStride;
    int a4 = a3 + aStride;
    int c4 = c3 + cStride;
    int a5 = a4 + aStride;
    int c5 = c4 + cStride;
    FloatVector s0 = FloatVector.fromArray(Lanes.F, c, c0);
    FloatVector t0 = FloatVector.fromArray(Lanes.F, c, c0 + L);
    FloatVector s1 = FloatVector.fromArray(Lanes.F, c, c1);
    FloatVector t1 = FloatVector.fromArray(Lanes.F, c, c1 + L);
    FloatVector s2 = FloatVector.fromArray(Lanes.F, c, c2);
    FloatVector t2 = FloatVector.fromArray(Lanes.F, c, c2 + L);
    FloatVector s3 = FloatVector.fromArray(Lanes.F, c, c3);
    FloatVector t3 = FloatVector.fromArray(Lanes.F, c, c3 + L);
    FloatVector s4 = FloatVector.fromArray(Lanes.F, c, c4);
    FloatVector t4 = FloatVector.fromArray(Lanes.F, c, c4 + L);
    FloatVector s5 = FloatVector.fromArray(Lanes.F, c, c5);
    FloatVector t5 = FloatVector.fromArray(Lanes.F, c, c5 + L);
    for (int k = 0; k < depth; k++) {
      IntVector p = ShortVector.fromArray(Lanes.S_FULL, b, bAt + k * PANEL).reinterpretAsInts();
      FloatVector v = PanelExpander.lowBf16(p);
      FloatVector w = PanelExpander.highBf16(p);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
      s0 = x0.fma(v, s0);
      t0 = x0.fma(w, t0);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
      s1 = x1.fma(v, s1);
      t1 = x1.fma(w, t1);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + k]);
      s2 = x2.fma(v, s2);
      t2 = x2.fma(w, t2);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + k]);
      s3 = x3.fma(v, s3);
      t3 = x3.fma(w, t3);
      FloatVector x4 = FloatVector.broadcast(Lanes.F, a[a4 + k]);
      s4 = x4.fma(v, s4);
      t4 = x4.fma(w, t4);
      FloatVector x5 = FloatVector.broadcast(Lanes.F, a[a5 + k]);
      s5 = x5.fma(v, s5);
      t5 = x5.fma(w, t5);
    }
    s0.intoArray(c, c0);
    t0.intoArray(c, c0 + L);
    s1.intoArray(c, c1);
    t1.intoArray(c, c1 + L);
    s2.intoArray(c, c2);
    t2.intoArray(c, c2 + L);
    s3.intoArray(c, c3);
    t3.intoArray(c, c3 + L);
    s4.intoArray(c, c4);
    t4.intoArray(c, c4 + L);
    s5.intoArray(c, c5);
    t5.intoArray(c, c5 + L);
  }

  private static void rows4(
      float[] a,
      int a0,
      int aStride,
      short[] b,
      int bAt,
      int depth,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int c1 = c0 + cStride;
    int a2 = a1 + aStride;
    int c2 = c1 + cStride;
    int a3 = a2 + aStride;
    int c3 = c2 + cStride;
    FloatVector s0 = FloatVector.fromArray(Lanes.F, c, c0);
    FloatVector t0 = FloatVector.fromArray(Lanes.F, c, c0 + L);
    FloatVector s1 = FloatVector.fromArray(Lanes.F, c, c1);
    FloatVector t1 = FloatVector.fromArray(Lanes.F, c, c1 + L);
    FloatVector s2 = FloatVector.fromArray(Lanes.F, c, c2);
    FloatVector t2 = FloatVector.fromArray(Lanes.F, c, c2 + L);
    FloatVector s3 = FloatVector.fromArray(Lanes.F, c, c3);
    FloatVector t3 = FloatVector.fromArray(Lanes.F, c, c3 + L);
    for (int k = 0; k < depth; k++) {
      IntVector p = ShortVector.fromArray(Lanes.S_FULL, b, bAt + k * PANEL).reinterpretAsInts();
      FloatVector v = PanelExpander.lowBf16(p);
      FloatVector w = PanelExpander.highBf16(p);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
      s0 = x0.fma(v, s0);
      t0 = x0.fma(w, t0);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
      s1 = x1.fma(v, s1);
      t1 = x1.fma(w, t1);
      FloatVector x2 = FloatVector.broadcast(Lanes.F, a[a2 + k]);
      s2 = x2.fma(v, s2);
      t2 = x2.fma(w, t2);
      FloatVector x3 = FloatVector.broadcast(Lanes.F, a[a3 + k]);
      s3 = x3.fma(v, s3);
      t3 = x3.fma(w, t3);
    }
    s0.intoArray(c, c0);
    t0.intoArray(c, c0 + L);
    s1.intoArray(c, c1);
    t1.intoArray(c, c1 + L);
    s2.intoArray(c, c2);
    t2.intoArray(c, c2 + L);
    s3.intoArray(c, c3);
    t3.intoArray(c, c3 + L);
  }

  private static void rows2(
      float[] a,
      int a0,
      int aStride,
      short[] b,
      int bAt,
      int depth,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int c1 = c0 + cStride;
    FloatVector s0 = FloatVector.fromArray(Lanes.F, c, c0);
    FloatVector t0 = FloatVector.fromArray(Lanes.F, c, c0 + L);
    FloatVector s1 = FloatVector.fromArray(Lanes.F, c, c1);
    FloatVector t1 = FloatVector.fromArray(Lanes.F, c, c1 + L);
    for (int k = 0; k < depth; k++) {
      IntVector p = ShortVector.fromArray(Lanes.S_FULL, b, bAt + k * PANEL).reinterpretAsInts();
      FloatVector v = PanelExpander.lowBf16(p);
      FloatVector w = PanelExpander.highBf16(p);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
      s0 = x0.fma(v, s0);
      t0 = x0.fma(w, t0);
      FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
      s1 = x1.fma(v, s1);
      t1 = x1.fma(w, t1);
    }
    s0.intoArray(c, c0);
    t0.intoArray(c, c0 + L);
    s1.intoArray(c, c1);
    t1.intoArray(c, c1 + L);
  }

  private static void rows1(float[] a, int a0, short[] b, int bAt, int depth, float[] c, int c0) {
    FloatVector s0 = FloatVector.fromArray(Lanes.F, c, c0);
    FloatVector t0 = FloatVector.fromArray(Lanes.F, c, c0 + L);
    for (int k = 0; k < depth; k++) {
      IntVector p = ShortVector.fromArray(Lanes.S_FULL, b, bAt + k * PANEL).reinterpretAsInts();
      FloatVector v = PanelExpander.lowBf16(p);
      FloatVector w = PanelExpander.highBf16(p);
      FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
      s0 = x0.fma(v, s0);
      t0 = x0.fma(w, t0);
    }
    s0.intoArray(c, c0);
    t0.intoArray(c, c0 + L);
  }
}
