package io.kvasir.runtime.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Twelve rows of {@link Bf16Tiles}: the tallest tile whose 24 running sums the compiler keeps in 32
 * registers. The same for int8 was no faster inside an engine than two tiles of eight rows.
 */
final class TallTiles {
  /** Rows of a tile. */
  static final int ROWS = 12;

  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  private TallTiles() {}

  static void bf16(
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
    int a8 = a7 + aStride;
    int c8 = c7 + cStride;
    int a9 = a8 + aStride;
    int c9 = c8 + cStride;
    int a10 = a9 + aStride;
    int c10 = c9 + cStride;
    int a11 = a10 + aStride;
    int c11 = c10 + cStride;
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
    FloatVector s8 = FloatVector.fromArray(Lanes.F, c, c8);
    FloatVector t8 = FloatVector.fromArray(Lanes.F, c, c8 + L);
    FloatVector s9 = FloatVector.fromArray(Lanes.F, c, c9);
    FloatVector t9 = FloatVector.fromArray(Lanes.F, c, c9 + L);
    FloatVector s10 = FloatVector.fromArray(Lanes.F, c, c10);
    FloatVector t10 = FloatVector.fromArray(Lanes.F, c, c10 + L);
    FloatVector s11 = FloatVector.fromArray(Lanes.F, c, c11);
    FloatVector t11 = FloatVector.fromArray(Lanes.F, c, c11 + L);
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
      FloatVector x8 = FloatVector.broadcast(Lanes.F, a[a8 + k]);
      s8 = x8.fma(v, s8);
      t8 = x8.fma(w, t8);
      FloatVector x9 = FloatVector.broadcast(Lanes.F, a[a9 + k]);
      s9 = x9.fma(v, s9);
      t9 = x9.fma(w, t9);
      FloatVector x10 = FloatVector.broadcast(Lanes.F, a[a10 + k]);
      s10 = x10.fma(v, s10);
      t10 = x10.fma(w, t10);
      FloatVector x11 = FloatVector.broadcast(Lanes.F, a[a11 + k]);
      s11 = x11.fma(v, s11);
      t11 = x11.fma(w, t11);
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
    s8.intoArray(c, c8);
    t8.intoArray(c, c8 + L);
    s9.intoArray(c, c9);
    t9.intoArray(c, c9 + L);
    s10.intoArray(c, c10);
    t10.intoArray(c, c10 + L);
    s11.intoArray(c, c11);
    t11.intoArray(c, c11 + L);
  }
}
