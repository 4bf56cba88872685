package io.kvasir.runtime.device.cpu;

/** Conversions between f32 and the two 16-bit formats, in plain scalar form. */
final class Bits16 {
  private Bits16() {}

  /** Rounds to nearest even; NaN stays NaN, overflow becomes infinity. */
  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** Rounds to nearest even. */
  static short toF16(float value) {
    return Float.floatToFloat16(value);
  }

  /**
   * Widens a finite half: its exponent and fraction, moved into place, read as a float that is too
   * small by 2^112; the product is exact, subnormals included.
   */
  static float fromF16(short bits) {
    float magnitude = Float.intBitsToFloat((bits & 0x7fff) << 13) * 0x1p112f;
    return Float.intBitsToFloat(Float.floatToRawIntBits(magnitude) | ((bits & 0x8000) << 16));
  }
}
