package io.kvasir.runtime.device;

/** How K and V lie in a page frame. */
public enum PageEncoding {
  F32(1, 4),
  /** Rounded to nearest even when written. */
  BF16(2, 2);

  private final int code;
  private final int bytesPerValue;

  PageEncoding(int code, int bytesPerValue) {
    this.code = code;
    this.bytesPerValue = bytesPerValue;
  }

  /** Its number in messages and files; never reused. */
  public int code() {
    return code;
  }

  public int bytesPerValue() {
    return bytesPerValue;
  }
}
