package io.kvasir.runtime.device.cpu;

/** The scalar definitions of what vector kernels compute lane by lane. */
final class ScalarMath {
  /** Below this exp is flushed to +0: the result would be subnormal. */
  static final float EXP_MIN = -87.33654f;

  /** Above this exp exceeds the largest float. */
  static final float EXP_MAX = 88.72283f;

  static final float LOG2_E = 1.44269504f;

  /** 1.5 × 2^23: adding it rounds to an integer, which then stands in the low bits. */
  static final float ROUNDER = 12582912f;

  static final int ROUNDER_BITS = 0x4b400000;
  static final float LN2_HIGH = 0.693147182464599609375f;
  static final float LN2_LOW = -1.904654323148236017e-9f;
  static final float P0 = 1.9875691500e-4f;
  static final float P1 = 1.3981999507e-3f;
  static final float P2 = 8.3334519073e-3f;
  static final float P3 = 4.1665795894e-2f;
  static final float P4 = 1.6666665459e-1f;
  static final float P5 = 5.0000001201e-1f;

  private ScalarMath() {}

  /**
   * e^x within 2 ulp: x = n ln 2 + r, |r| ≤ ln 2 / 2; a polynomial for e^r; 2^n as two factors, so
   * that n = 128 does not overflow early.
   */
  static float exp(float x) {
    if (x < EXP_MIN) {
      return 0f;
    }
    if (x > EXP_MAX) {
      return Float.POSITIVE_INFINITY;
    }
    float shifted = Math.fma(x, LOG2_E, ROUNDER);
    int n = Float.floatToRawIntBits(shifted) - ROUNDER_BITS;
    float whole = shifted - ROUNDER;
    float r = Math.fma(whole, -LN2_LOW, Math.fma(whole, -LN2_HIGH, x));
    float p = Math.fma(P0, r, P1);
    p = Math.fma(p, r, P2);
    p = Math.fma(p, r, P3);
    p = Math.fma(p, r, P4);
    p = Math.fma(p, r, P5);
    float y = Math.fma(p, r * r, r) + 1f;
    int half = n >> 1;
    return y * power(half) * power(n - half);
  }

  private static float power(int n) {
    return Float.intBitsToFloat((n + 127) << 23);
  }

  /** x / (1 + e^−x). */
  static float silu(float x) {
    return x / (1f + exp(-x));
  }

  /** The one join of eight partial sums. */
  static float join(float[] s) {
    return join(s, 0);
  }

  static float join(float[] s, int at) {
    return ((s[at] + s[at + 4]) + (s[at + 2] + s[at + 6]))
        + ((s[at + 1] + s[at + 5]) + (s[at + 3] + s[at + 7]));
  }

  /** 1 / sqrt(mean + eps), each step rounded to f32. */
  static float inverseRoot(float sumOfSquares, int width, float eps) {
    return 1f / (float) Math.sqrt(sumOfSquares / width + eps);
  }
}
