package io.kvasir.runtime.engine;

/**
 * Natural logarithm in f64 that gives the same bits interpreted and compiled: the exponent times ln
 * 2, and the series of artanh for the rest, relative error below 1e-15 away from 1.
 */
final class Logarithm {
  private static final double LN2_HIGH = 0.6931471803691238;
  private static final double LN2_LOW = 1.9082149292705877e-10;
  private static final double SQRT2 = 1.4142135623730951;
  private static final int TERMS = 12;

  private Logarithm() {}

  /** Of a normal positive number; sums of exponentials are nothing else. */
  static double log(double x) {
    long bits = Double.doubleToRawLongBits(x);
    int exponent = (int) (bits >>> 52) - 1023;
    double m = Double.longBitsToDouble(bits & 0x000FFFFFFFFFFFFFL | 0x3FF0000000000000L);
    if (m > SQRT2) {
      m *= 0.5;
      exponent++;
    }
    // ln m = 2 artanh((m − 1) / (m + 1)); the argument is below 0.172.
    double s = (m - 1) / (m + 1);
    double square = s * s;
    double sum = 1.0 / (2 * TERMS + 1);
    for (int i = TERMS - 1; i >= 1; i--) {
      sum = Math.fma(sum, square, 1.0 / (2 * i + 1));
    }
    double twice = 2 * s;
    double rest = Math.fma(twice * square, sum, twice);
    return Math.fma(exponent, LN2_HIGH, Math.fma(exponent, LN2_LOW, rest));
  }
}
