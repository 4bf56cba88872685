package io.kvasir.runtime.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Lane-wise twins of {@link ScalarMath} and the eight-lane reductions. */
final class VectorMath {
  private static final int L = Lanes.COUNT;

  private VectorMath() {}

  /** See {@link ScalarMath#exp}: the same operations in the same order. */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted =
        x.fma(
            FloatVector.broadcast(Lanes.F, ScalarMath.LOG2_E),
            FloatVector.broadcast(Lanes.F, ScalarMath.ROUNDER));
    IntVector n = shifted.reinterpretAsInts().sub(ScalarMath.ROUNDER_BITS);
    FloatVector whole = shifted.sub(ScalarMath.ROUNDER);
    FloatVector r = whole.fma(FloatVector.broadcast(Lanes.F, -ScalarMath.LN2_HIGH), x);
    r = whole.fma(FloatVector.broadcast(Lanes.F, -ScalarMath.LN2_LOW), r);
    FloatVector p =
        FloatVector.broadcast(Lanes.F, ScalarMath.P0)
            .fma(r, FloatVector.broadcast(Lanes.F, ScalarMath.P1));
    p = p.fma(r, FloatVector.broadcast(Lanes.F, ScalarMath.P2));
    p = p.fma(r, FloatVector.broadcast(Lanes.F, ScalarMath.P3));
    p = p.fma(r, FloatVector.broadcast(Lanes.F, ScalarMath.P4));
    p = p.fma(r, FloatVector.broadcast(Lanes.F, ScalarMath.P5));
    FloatVector y = p.fma(r.mul(r), r).add(1f);
    IntVector half = n.lanewise(VectorOperators.ASHR, 1);
    y = y.mul(power(half)).mul(power(n.sub(half)));
    return y.blend(0f, x.compare(VectorOperators.LT, ScalarMath.EXP_MIN))
        .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, ScalarMath.EXP_MAX));
  }

  private static FloatVector power(IntVector n) {
    return n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }

  /** out[i] = silu(gate[i]) × up[i]. */
  static void swiglu(float[] gate, int gateAt, int upAt, float[] out, int outAt, int count) {
    int i = 0;
    for (; i + L <= count; i += L) {
      FloatVector g = FloatVector.fromArray(Lanes.F, gate, gateAt + i);
      FloatVector u = FloatVector.fromArray(Lanes.F, gate, upAt + i);
      g.div(exp(g.neg()).add(1f)).mul(u).intoArray(out, outAt + i);
    }
    for (; i < count; i++) {
      out[outAt + i] = ScalarMath.silu(gate[gateAt + i]) * gate[upAt + i];
    }
  }

  /** RMSNorm of one row, see {@link ScalarNorm}. */
  static void normalise(
      float[] x,
      int at,
      float[] weight,
      float eps,
      int width,
      float[] out,
      int outAt,
      float[] eight) {
    int body = width & -8;
    squares(x, at, body, eight);
    for (int c = body; c < width; c++) {
      eight[c & 7] = Math.fma(x[at + c], x[at + c], eight[c & 7]);
    }
    float inverse = ScalarMath.inverseRoot(ScalarMath.join(eight), width, eps);
    int i = 0;
    for (; i + L <= width; i += L) {
      FloatVector.fromArray(Lanes.F, x, at + i)
          .mul(inverse)
          .mul(FloatVector.fromArray(Lanes.F, weight, i))
          .intoArray(out, outAt + i);
    }
    for (; i < width; i++) {
      out[outAt + i] = x[at + i] * inverse * weight[i];
    }
  }

  private static void squares(float[] x, int at, int count, float[] eight) {
    FloatVector low = FloatVector.zero(Lanes.F8);
    if (Lanes.ONE_VECTOR_OF_8) {
      for (int i = 0; i < count; i += 8) {
        FloatVector v = FloatVector.fromArray(Lanes.F8, x, at + i);
        low = v.fma(v, low);
      }
      low.intoArray(eight, 0);
      return;
    }
    FloatVector high = FloatVector.zero(Lanes.F8);
    for (int i = 0; i < count; i += 8) {
      FloatVector v = FloatVector.fromArray(Lanes.F8, x, at + i);
      FloatVector w = FloatVector.fromArray(Lanes.F8, x, at + i + 4);
      low = v.fma(v, low);
      high = w.fma(w, high);
    }
    low.intoArray(eight, 0);
    high.intoArray(eight, 4);
  }

  /** eight[j] = sum of x[at + i], i mod 8 = j, ascending; {@code count} is a multiple of 8. */
  static void eightSums(float[] x, int at, int count, float[] eight) {
    FloatVector low = FloatVector.zero(Lanes.F8);
    if (Lanes.ONE_VECTOR_OF_8) {
      for (int i = 0; i < count; i += 8) {
        low = low.add(FloatVector.fromArray(Lanes.F8, x, at + i));
      }
      low.intoArray(eight, 0);
      return;
    }
    FloatVector high = FloatVector.zero(Lanes.F8);
    for (int i = 0; i < count; i += 8) {
      low = low.add(FloatVector.fromArray(Lanes.F8, x, at + i));
      high = high.add(FloatVector.fromArray(Lanes.F8, x, at + i + 4));
    }
    low.intoArray(eight, 0);
    high.intoArray(eight, 4);
  }

  /** Rotates one head, see {@link ScalarRotary#rotate}. */
  static void rotate(float[] x, int at, float[] turns, int pairs, boolean interleaved) {
    if (interleaved) {
      ScalarRotary.rotate(x, at, turns, pairs, true);
      return;
    }
    int i = 0;
    for (; i + L <= pairs; i += L) {
      FloatVector a = FloatVector.fromArray(Lanes.F, x, at + i);
      FloatVector b = FloatVector.fromArray(Lanes.F, x, at + pairs + i);
      FloatVector cos = FloatVector.fromArray(Lanes.F, turns, i);
      FloatVector sin = FloatVector.fromArray(Lanes.F, turns, pairs + i);
      a.fma(cos, b.mul(sin).neg()).intoArray(x, at + i);
      b.fma(cos, a.mul(sin)).intoArray(x, at + pairs + i);
    }
    for (; i < pairs; i++) {
      float a = x[at + i];
      float b = x[at + pairs + i];
      x[at + i] = ScalarRotary.turnFirst(a, b, turns[i], turns[pairs + i]);
      x[at + pairs + i] = ScalarRotary.turnSecond(a, b, turns[i], turns[pairs + i]);
    }
  }
}
