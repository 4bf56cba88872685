package io.kvasir.runtime.engine;

/**
 * exp in f64 that gives the same bits interpreted and compiled, unlike {@link Math#exp}, and is
 * much faster than {@link StrictMath#exp}: argument reduction by ln 2 and a degree-13 Taylor
 * polynomial, relative error below 1e-15.
 */
final class Exponential {
  private static final double LOG2_E = 1.4426950408889634;
  private static final double LN2_HIGH = 0.6931471803691238;
  private static final double LN2_LOW = 1.9082149292705877e-10;
  private static final double[] INVERSE_FACTORIAL = new double[14];

  static {
    double f = 1;
    for (int i = 0; i < INVERSE_FACTORIAL.length; i++) {
      INVERSE_FACTORIAL[i] = 1 / f;
      f *= i + 1;
    }
  }

  private Exponential() {}

  /** Zero below −708; {@code x} must be at most 709. */
  static double exp(double x) {
    if (!(x >= -708)) {
      return Double.isNaN(x) ? x : 0;
    }
    double n = Math.rint(x * LOG2_E);
    double r = Math.fma(-n, LN2_LOW, Math.fma(-n, LN2_HIGH, x));
    double sum = INVERSE_FACTORIAL[13];
    for (int i = 12; i >= 0; i--) {
      sum = Math.fma(sum, r, INVERSE_FACTORIAL[i]);
    }
    return sum * Double.longBitsToDouble((long) (1023 + (int) n) << 52);
  }
}
