package io.kvasir.runtime.device;

/** How K and V lie in a page frame. */
public enum PageEncoding {
  F32(4),
  /** Rounded to nearest even when written. */
  BF16(2);

  private final int bytesPerValue;

  PageEncoding(int bytesPerValue) {
    this.bytesPerValue = bytesPerValue;
  }

  public int bytesPerValue() {
    return bytesPerValue;
  }
}
