package io.kvasir.runtime.device;

/** How weights lie in device memory. Arithmetic is f32 for all of them. */
public enum WeightFormat {
  F32(32),
  BF16(16),
  F16(16),
  /** Blocks of 32 along the input: one f32 scale, 32 signed bytes. */
  INT8(8),
  /** Blocks of 32 along the input: one f32 scale, 32 signed nibbles. */
  INT4(4);

  /** Inputs that share one scale in the quantised formats. */
  public static final int BLOCK = 32;

  private final int bits;

  WeightFormat(int bits) {
    this.bits = bits;
  }

  /** Bits of one stored value, scale excluded. */
  public int bits() {
    return bits;
  }

  public boolean quantised() {
    return this == INT8 || this == INT4;
  }
}
