package io.kvasir.runtime.checkpoint;

/**
 * bfloat16: the upper half of a float. Widening is exact; narrowing rounds to nearest, ties to
 * even, keeps signed zeros and infinities and turns every NaN into a quiet NaN of the same sign.
 */
public final class BFloat16 {
  private BFloat16() {}

  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (value != value) {
      return (short) ((bits >>> 16) | 0x0040);
    }
    // Adding 0x7fff plus the lowest kept bit carries exactly when the rest is above half, or at
    // half with an odd upper part.
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }
}
