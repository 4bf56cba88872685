package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;

/** Device memory of f32 values: one heap array, where the compiler's vector loads are fastest. */
final class CpuFloats implements DeviceFloats {
  /** Longest array that every JVM grants. */
  static final long MAX_COUNT = Integer.MAX_VALUE - 8L;

  private float[] values;
  private final int count;

  CpuFloats(int count) {
    this.values = new float[count];
    this.count = count;
  }

  @Override
  public long count() {
    return count;
  }

  /** The array behind {@code floats}, after checking that [offset, offset + length) lies in it. */
  static float[] require(String what, DeviceFloats floats, long offset, long length) {
    if (!(floats instanceof CpuFloats own)) {
      throw new DeviceException(
          what + " is not memory of the CPU device, allocate it with this device's floats()");
    }
    if (own.values == null) {
      throw new DeviceException(what + " is closed, keep a buffer open while it is used");
    }
    if (offset < 0 || length < 0 || offset + length > own.count) {
      throw new DeviceException(
          what
              + " range ["
              + offset
              + ", "
              + (offset + length)
              + ") exceeds its count="
              + own.count
              + ", allocate more or pass a smaller range");
    }
    return own.values;
  }

  /** As {@link #require(String, DeviceFloats, long, long)} for {@code rows} rows of a matrix. */
  static float[] requireRows(
      String what, DeviceFloats floats, long offset, int rows, long stride, long width) {
    if (rows < 0 || width < 0 || (rows > 1 && stride < width)) {
      throw new DeviceException(
          what
              + " rows="
              + rows
              + " width="
              + width
              + " stride="
              + stride
              + " is no matrix, use a stride of at least the width");
    }
    return require(what, floats, offset, rows == 0 ? 0 : (rows - 1) * stride + width);
  }

  @Override
  public void close() {
    values = null;
  }
}
