package io.kvasir.runtime.device;

import java.util.SplittableRandom;

/** A matrix in memory, as a source for packing. */
record TestMatrix(int rows, int columns, float[] values) implements MatrixSource {
  static TestMatrix random(SplittableRandom random, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextDouble() * 2 - 1);
      if (random.nextInt(50) == 0) {
        values[i] *= 1e-6f;
      }
    }
    return new TestMatrix(rows, columns, values);
  }

  @Override
  public WeightFormat stored() {
    return WeightFormat.F32;
  }

  @Override
  public void readRow(int row, float[] target, int offset) {
    System.arraycopy(values, row * columns, target, offset, columns);
  }
}
