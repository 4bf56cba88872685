package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.WeightFormat;

/** An embedding table, row-major as stored; rows fill heap arrays of at most 2^30 elements. */
final class TableWeight implements CpuWeight {
  private static final int MAX_STORE = 1 << 30;

  private final WeightFormat format;
  private final int rows;
  private final int width;
  private final int rowsPerStore;
  private float[][] floats;
  private short[][] shorts;

  TableWeight(WeightFormat format, int rows, int width) {
    this.format = format;
    this.rows = rows;
    this.width = width;
    this.rowsPerStore = Math.max(1, MAX_STORE / Math.max(1, width));
    int stores = (rows + rowsPerStore - 1) / rowsPerStore;
    floats = format == WeightFormat.F32 ? new float[stores][] : null;
    shorts = format == WeightFormat.F32 ? null : new short[stores][];
    for (int s = 0; s < stores; s++) {
      int length = Math.min(rowsPerStore, rows - s * rowsPerStore) * width;
      if (floats != null) {
        floats[s] = new float[length];
      } else {
        shorts[s] = new short[length];
      }
    }
  }

  void writeRow(int row, float[] values) {
    int at = row % rowsPerStore * width;
    int store = row / rowsPerStore;
    for (int i = 0; i < width; i++) {
      switch (format) {
        case F32 -> floats[store][at + i] = values[i];
        case BF16 -> shorts[store][at + i] = Bits16.toBf16(values[i]);
        default -> shorts[store][at + i] = Bits16.toF16(values[i]);
      }
    }
  }

  @Override
  public void readColumn(int row, float[] target, int offset) {
    int at = row % rowsPerStore * width;
    int store = row / rowsPerStore;
    if (format == WeightFormat.F32) {
      System.arraycopy(floats[store], at, target, offset, width);
      return;
    }
    short[] stored = shorts[store];
    if (format == WeightFormat.BF16) {
      for (int i = 0; i < width; i++) {
        target[offset + i] = Float.intBitsToFloat(stored[at + i] << 16);
      }
    } else {
      for (int i = 0; i < width; i++) {
        target[offset + i] = Bits16.fromF16(stored[at + i]);
      }
    }
  }

  @Override
  public WeightFormat format() {
    return format;
  }

  @Override
  public int inWidth() {
    return width;
  }

  @Override
  public int outWidth() {
    return rows;
  }

  @Override
  public int partCount() {
    return 1;
  }

  @Override
  public int partWidth(int part) {
    return rows;
  }

  @Override
  public long bytes() {
    return (long) rows * width * (format == WeightFormat.F32 ? 4 : 2);
  }

  @Override
  public void close() {
    floats = null;
    shorts = null;
  }
}
