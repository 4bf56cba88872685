package io.kvasir.runtime.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * As {@link Bf16PageTiles} for four vectors of a step instead of two: two panels of keys, or twice
 * the channels of values. Four rows then have sixteen running sums, enough to keep the multipliers
 * busy, which eight are not; they take 32 registers.
 */
final class WidePageTiles {
  /** Rows of a tile. */
  private static final int ROWS = 4;

  private static final int L = Lanes.COUNT;

  private WidePageTiles() {}

  /**
   * Step k reads one vector at each address plus {@code k × step}; their sums lie side by side in
   * {@code c}.
   */
  static void run(
      float[] a,
      int aAt,
      int aStride,
      int rows,
      MemorySegment b,
      long at0,
      long at1,
      long at2,
      long at3,
      long step,
      int depth,
      float[] c,
      int cAt,
      int cStride) {
    int r = 0;
    for (; r + ROWS <= rows; r += ROWS) {
      int a0 = aAt + r * aStride;
      int c0 = cAt + r * cStride;
      rows4(a, a0, aStride, b, at0, at1, at2, at3, step, depth, c, c0, cStride);
    }
    if (r < rows) {
      int a0 = aAt + r * aStride;
      int c0 = cAt + r * cStride;
      int left = rows - r;
      Bf16PageTiles.run(a, a0, aStride, left, b, at0, at1, step, depth, c, c0, cStride);
      Bf16PageTiles.run(a, a0, aStride, left, b, at2, at3, step, depth, c, c0 + 2 * L, cStride);
    }
  }

  private static void rows4(
      float[] a,
      int a0,
      int aStride,
      MemorySegment b,
      long at0,
      long at1,
      long at2,
      long at3,
      long step,
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
    FloatVector u0 = FloatVector.fromArray(Lanes.F, c, c0 + 2 * L);
    FloatVector v0 = FloatVector.fromArray(Lanes.F, c, c0 + 3 * L);
    FloatVector s1 = FloatVector.fromArray(Lanes.F, c, c1);
    FloatVector t1 = FloatVector.fromArray(Lanes.F, c, c1 + L);
    FloatVector u1 = FloatVector.fromArray(Lanes.F, c, c1 + 2 * L);
    FloatVector v1 = FloatVector.fromArray(Lanes.F, c, c1 + 3 * L);
    FloatVector s2 = FloatVector.fromArray(Lanes.F, c, c2);
    FloatVector t2 = FloatVector.fromArray(Lanes.F, c, c2 + L);
    FloatVector u2 = FloatVector.fromArray(Lanes.F, c, c2 + 2 * L);
    FloatVector v2 = FloatVector.fromArray(Lanes.F, c, c2 + 3 * L);
    FloatVector s3 = FloatVector.fromArray(Lanes.F, c, c3);
    FloatVector t3 = FloatVector.fromArray(Lanes.F, c, c3 + L);
    FloatVector u3 = FloatVector.fromArray(Lanes.F, c, c3 + 2 * L);
    FloatVector v3 = FloatVector.fromArray(Lanes.F, c, c3 + 3 * L);
    for (int k = 0; k < depth; k++) {
      FloatVector w0 = Bf16PageReader.widen(b, at0 + k * step);
      FloatVector w1 = Bf16PageReader.widen(b, at1 + k * step);
      FloatVector w2 = Bf16PageReader.widen(b, at2 + k * step);
      FloatVector w3 = Bf16PageReader.widen(b, at3 + k * step);
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
    }
    s0.intoArray(c, c0);
    t0.intoArray(c, c0 + L);
    u0.intoArray(c, c0 + 2 * L);
    v0.intoArray(c, c0 + 3 * L);
    s1.intoArray(c, c1);
    t1.intoArray(c, c1 + L);
    u1.intoArray(c, c1 + 2 * L);
    v1.intoArray(c, c1 + 3 * L);
    s2.intoArray(c, c2);
    t2.intoArray(c, c2 + L);
    u2.intoArray(c, c2 + 2 * L);
    v2.intoArray(c, c2 + 3 * L);
    s3.intoArray(c, c3);
    t3.intoArray(c, c3 + L);
    u3.intoArray(c, c3 + 2 * L);
    v3.intoArray(c, c3 + 3 * L);
  }
}
