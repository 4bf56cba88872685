package io.kvasir.runtime.device;

/** A row-major matrix to be packed: rows are outputs, columns are inputs. */
public interface MatrixSource {
  int rows();

  int columns();

  /** How the values are stored where they come from; packing in the same format loses nothing. */
  WeightFormat stored();

  /** Widens row {@code row} to f32 into {@code target[offset .. offset + columns())}. */
  void readRow(int row, float[] target, int offset);
}
