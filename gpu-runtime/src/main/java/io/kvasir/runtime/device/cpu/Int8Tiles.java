package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.WeightFormat;
import jdk.incubator.vector.FloatVector;

/**
 * As {@link BlockTiles} straight from packed int8, widened in registers: for a few rows, where
 * reading weights from memory must overlap with the arithmetic.
 */
final class Int8Tiles {
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;
  private static final int BLOCK = WeightFormat.BLOCK;

  private Int8Tiles() {}

  /** Runs all rows, in tiles as tall as the register file allows. */
  static void run(
      float[] a,
      int aAt,
      int aStride,
      int rows,
      byte[] b,
      int bAt,
      int depth,
      float[] scales,
      int scaleAt,
      float[] c,
      int cAt,
      int cStride) {
    int r = 0;
    if (Lanes.TALL) {
      for (; r + 8 <= rows; r += 8) {
        rows8(
            a,
            aAt + r * aStride,
            aStride,
            b,
            bAt,
            depth,
            scales,
            scaleAt,
            c,
            cAt + r * cStride,
            cStride);
      }
      for (; r + 6 <= rows; r += 6) {
        rows6(
            a,
            aAt + r * aStride,
            aStride,
            b,
            bAt,
            depth,
            scales,
            scaleAt,
            c,
            cAt + r * cStride,
            cStride);
      }
    }
    for (; r + 4 <= rows; r += 4) {
      rows4(
          a,
          aAt + r * aStride,
          aStride,
          b,
          bAt,
          depth,
          scales,
          scaleAt,
          c,
          cAt + r * cStride,
          cStride);
    }
    for (; r + 2 <= rows; r += 2) {
      rows2(
          a,
          aAt + r * aStride,
          aStride,
          b,
          bAt,
          depth,
          scales,
          scaleAt,
          c,
          cAt + r * cStride,
          cStride);
    }
    if (r < rows) {
      rows1(a, aAt + r * aStride, b, bAt, depth, scales, scaleAt, c, cAt + r * cStride);
    }
  }

  private static void rows8(
      float[] a,
      int a0,
      int aStride,
      byte[] b,
      int bAt,
      int depth,
      float[] scales,
      int scaleAt,
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
    int scale = scaleAt;
    for (int from = 0; from < depth; from += BLOCK, scale += PANEL) {
      FloatVector s0 = FloatVector.zero(Lanes.F);
      FloatVector t0 = FloatVector.zero(Lanes.F);
      FloatVector s1 = FloatVector.zero(Lanes.F);
      FloatVector t1 = FloatVector.zero(Lanes.F);
      FloatVector s2 = FloatVector.zero(Lanes.F);
      FloatVector t2 = FloatVector.zero(Lanes.F);
      FloatVector s3 = FloatVector.zero(Lanes.F);
      FloatVector t3 = FloatVector.zero(Lanes.F);
      FloatVector s4 = FloatVector.zero(Lanes.F);
      FloatVector t4 = FloatVector.zero(Lanes.F);
      FloatVector s5 = FloatVector.zero(Lanes.F);
      FloatVector t5 = FloatVector.zero(Lanes.F);
      FloatVector s6 = FloatVector.zero(Lanes.F);
      FloatVector t6 = FloatVector.zero(Lanes.F);
      FloatVector s7 = FloatVector.zero(Lanes.F);
      FloatVector t7 = FloatVector.zero(Lanes.F);
      int end = Math.min(depth, from + BLOCK);
      for (int k = from; k < end; k++) {
        FloatVector v = PanelExpander.int8(b, bAt + k * PANEL);
        FloatVector w = PanelExpander.int8(b, bAt + k * PANEL + L);
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
      FloatVector y = FloatVector.fromArray(Lanes.F, scales, scale);
      FloatVector z = FloatVector.fromArray(Lanes.F, scales, scale + L);
      s0.fma(y, FloatVector.fromArray(Lanes.F, c, c0)).intoArray(c, c0);
      t0.fma(z, FloatVector.fromArray(Lanes.F, c, c0 + L)).intoArray(c, c0 + L);
      s1.fma(y, FloatVector.fromArray(Lanes.F, c, c1)).intoArray(c, c1);
      t1.fma(z, FloatVector.fromArray(Lanes.F, c, c1 + L)).intoArray(c, c1 + L);
      s2.fma(y, FloatVector.fromArray(Lanes.F, c, c2)).intoArray(c, c2);
      t2.fma(z, FloatVector.fromArray(Lanes.F, c, c2 + L)).intoArray(c, c2 + L);
      s3.fma(y, FloatVector.fromArray(Lanes.F, c, c3)).intoArray(c, c3);
      t3.fma(z, FloatVector.fromArray(Lanes.F, c, c3 + L)).intoArray(c, c3 + L);
      s4.fma(y, FloatVector.fromArray(Lanes.F, c, c4)).intoArray(c, c4);
      t4.fma(z, FloatVector.fromArray(Lanes.F, c, c4 + L)).intoArray(c, c4 + L);
      s5.fma(y, FloatVector.fromArray(Lanes.F, c, c5)).intoArray(c, c5);
      t5.fma(z, FloatVector.fromArray(Lanes.F, c, c5 + L)).intoArray(c, c5 + L);
      s6.fma(y, FloatVector.fromArray(Lanes.F, c, c6)).intoArray(c, c6);
      t6.fma(z, FloatVector.fromArray(Lanes.F, c, c6 + L)).intoArray(c, c6 + L);
      s7.fma(y, FloatVector.fromArray(Lanes.F, c, c7)).intoArray(c, c7);
      t7.fma(z, FloatVector.fromArray(Lanes.F, c, c7 + L)).intoArray(c, c7 + L);
    }
  }

  private static void rows6(
      float[] a,
      int a0,
      int aStride,
      byte[] b,
      int bAt,
      int depth,
      float[] scales,
      int scaleAt,
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
    int scale = scaleAt;
    for (int from = 0; from < depth; from += BLOCK, scale += PANEL) {
      FloatVector s0 = FloatVector.zero(Lanes.F);
      FloatVector t0 = FloatVector.zero(Lanes.F);
      FloatVector s1 = FloatVector.zero(Lanes.F);
      FloatVector t1 = FloatVector.zero(Lanes.F);
      FloatVector s2 = FloatVector.zero(Lanes.F);
      FloatVector t2 = FloatVector.zero(Lanes.F);
      FloatVector s3 = FloatVector.zero(Lanes.F);
      FloatVector t3 = FloatVector.zero(Lanes.F);
      FloatVector s4 = FloatVector.zero(Lanes.F);
      FloatVector t4 = FloatVector.zero(Lanes.F);
      FloatVector s5 = FloatVector.zero(Lanes.F);
      FloatVector t5 = FloatVector.zero(Lanes.F);
      int end = Math.min(depth, from + BLOCK);
      for (int k = from; k < end; k++) {
        FloatVector v = PanelExpander.int8(b, bAt + k * PANEL);
        FloatVector w = PanelExpander.int8(b, bAt + k * PANEL + L);
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
      FloatVector y = FloatVector.fromArray(Lanes.F, scales, scale);
      FloatVector z = FloatVector.fromArray(Lanes.F, scales, scale + L);
      s0.fma(y, FloatVector.fromArray(Lanes.F, c, c0)).intoArray(c, c0);
      t0.fma(z, FloatVector.fromArray(Lanes.F, c, c0 + L)).intoArray(c, c0 + L);
      s1.fma(y, FloatVector.fromArray(Lanes.F, c, c1)).intoArray(c, c1);
      t1.fma(z, FloatVector.fromArray(Lanes.F, c, c1 + L)).intoArray(c, c1 + L);
      s2.fma(y, FloatVector.fromArray(Lanes.F, c, c2)).intoArray(c, c2);
      t2.fma(z, FloatVector.fromArray(Lanes.F, c, c2 + L)).intoArray(c, c2 + L);
      s3.fma(y, FloatVector.fromArray(Lanes.F, c, c3)).intoArray(c, c3);
      t3.fma(z, FloatVector.fromArray(Lanes.F, c, c3 + L)).intoArray(c, c3 + L);
      s4.fma(y, FloatVector.fromArray(Lanes.F, c, c4)).intoArray(c, c4);
      t4.fma(z, FloatVector.fromArray(Lanes.F, c, c4 + L)).intoArray(c, c4 + L);
      s5.fma(y, FloatVector.fromArray(Lanes.F, c, c5)).intoArray(c, c5);
      t5.fma(z, FloatVector.fromArray(Lanes.F, c, c5 + L)).intoArray(c, c5 + L);
    }
  }

  private static void rows4(
      float[] a,
      int a0,
      int aStride,
      byte[] b,
      int bAt,
      int depth,
      float[] scales,
      int scaleAt,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int c1 = c0 + cStride;
    int a2 = a1 + aStride;
    int c2 = c1 + cStride;
    int a3 = a2 + aStride;
    int c3 = c2 + cStride;
    int scale = scaleAt;
    for (int from = 0; from < depth; from += BLOCK, scale += PANEL) {
      FloatVector s0 = FloatVector.zero(Lanes.F);
      FloatVector t0 = FloatVector.zero(Lanes.F);
      FloatVector s1 = FloatVector.zero(Lanes.F);
      FloatVector t1 = FloatVector.zero(Lanes.F);
      FloatVector s2 = FloatVector.zero(Lanes.F);
      FloatVector t2 = FloatVector.zero(Lanes.F);
      FloatVector s3 = FloatVector.zero(Lanes.F);
      FloatVector t3 = FloatVector.zero(Lanes.F);
      int end = Math.min(depth, from + BLOCK);
      for (int k = from; k < end; k++) {
        FloatVector v = PanelExpander.int8(b, bAt + k * PANEL);
        FloatVector w = PanelExpander.int8(b, bAt + k * PANEL + L);
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
      FloatVector y = FloatVector.fromArray(Lanes.F, scales, scale);
      FloatVector z = FloatVector.fromArray(Lanes.F, scales, scale + L);
      s0.fma(y, FloatVector.fromArray(Lanes.F, c, c0)).intoArray(c, c0);
      t0.fma(z, FloatVector.fromArray(Lanes.F, c, c0 + L)).intoArray(c, c0 + L);
      s1.fma(y, FloatVector.fromArray(Lanes.F, c, c1)).intoArray(c, c1);
      t1.fma(z, FloatVector.fromArray(Lanes.F, c, c1 + L)).intoArray(c, c1 + L);
      s2.fma(y, FloatVector.fromArray(Lanes.F, c, c2)).intoArray(c, c2);
      t2.fma(z, FloatVector.fromArray(Lanes.F, c, c2 + L)).intoArray(c, c2 + L);
      s3.fma(y, FloatVector.fromArray(Lanes.F, c, c3)).intoArray(c, c3);
      t3.fma(z, FloatVector.fromArray(Lanes.F, c, c3 + L)).intoArray(c, c3 + L);
    }
  }

  private static void rows2(
      float[] a,
      int a0,
      int aStride,
      byte[] b,
      int bAt,
      int depth,
      float[] scales,
      int scaleAt,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int c1 = c0 + cStride;
    int scale = scaleAt;
    for (int from = 0; from < depth; from += BLOCK, scale += PANEL) {
      FloatVector s0 = FloatVector.zero(Lanes.F);
      FloatVector t0 = FloatVector.zero(Lanes.F);
      FloatVector s1 = FloatVector.zero(Lanes.F);
      FloatVector t1 = FloatVector.zero(Lanes.F);
      int end = Math.min(depth, from + BLOCK);
      for (int k = from; k < end; k++) {
        FloatVector v = PanelExpander.int8(b, bAt + k * PANEL);
        FloatVector w = PanelExpander.int8(b, bAt + k * PANEL + L);
        FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
        s0 = x0.fma(v, s0);
        t0 = x0.fma(w, t0);
        FloatVector x1 = FloatVector.broadcast(Lanes.F, a[a1 + k]);
        s1 = x1.fma(v, s1);
        t1 = x1.fma(w, t1);
      }
      FloatVector y = FloatVector.fromArray(Lanes.F, scales, scale);
      FloatVector z = FloatVector.fromArray(Lanes.F, scales, scale + L);
      s0.fma(y, FloatVector.fromArray(Lanes.F, c, c0)).intoArray(c, c0);
      t0.fma(z, FloatVector.fromArray(Lanes.F, c, c0 + L)).intoArray(c, c0 + L);
      s1.fma(y, FloatVector.fromArray(Lanes.F, c, c1)).intoArray(c, c1);
      t1.fma(z, FloatVector.fromArray(Lanes.F, c, c1 + L)).intoArray(c, c1 + L);
    }
  }

  private static void rows1(
      float[] a,
      int a0,
      byte[] b,
      int bAt,
      int depth,
      float[] scales,
      int scaleAt,
      float[] c,
      int c0) {
    int scale = scaleAt;
    for (int from = 0; from < depth; from += BLOCK, scale += PANEL) {
      FloatVector s0 = FloatVector.zero(Lanes.F);
      FloatVector t0 = FloatVector.zero(Lanes.F);
      int end = Math.min(depth, from + BLOCK);
      for (int k = from; k < end; k++) {
        FloatVector v = PanelExpander.int8(b, bAt + k * PANEL);
        FloatVector w = PanelExpander.int8(b, bAt + k * PANEL + L);
        FloatVector x0 = FloatVector.broadcast(Lanes.F, a[a0 + k]);
        s0 = x0.fma(v, s0);
        t0 = x0.fma(w, t0);
      }
      FloatVector y = FloatVector.fromArray(Lanes.F, scales, scale);
      FloatVector z = FloatVector.fromArray(Lanes.F, scales, scale + L);
      s0.fma(y, FloatVector.fromArray(Lanes.F, c, c0)).intoArray(c, c0);
      t0.fma(z, FloatVector.fromArray(Lanes.F, c, c0 + L)).intoArray(c, c0 + L);
    }
  }
}
