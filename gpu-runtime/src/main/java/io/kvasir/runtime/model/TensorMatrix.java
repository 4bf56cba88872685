package io.kvasir.runtime.model;

import io.kvasir.runtime.checkpoint.TensorView;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.WeightFormat;

/** A window of a checkpoint tensor as a matrix to pack. */
record TensorMatrix(TensorView tensor, int firstRow, int rows, int firstColumn, int columns)
    implements MatrixSource {

  static TensorMatrix whole(TensorView tensor) {
    return new TensorMatrix(
        tensor, 0, Math.toIntExact(tensor.rowCount()), 0, Math.toIntExact(tensor.columnCount()));
  }

  /** Share {@code part} of {@code parts} of the rows. */
  static TensorMatrix rowShare(TensorView tensor, int part, int parts) {
    int rows = Math.toIntExact(tensor.rowCount()) / parts;
    return new TensorMatrix(tensor, part * rows, rows, 0, Math.toIntExact(tensor.columnCount()));
  }

  /** Share {@code part} of {@code parts} of the columns. */
  static TensorMatrix columnShare(TensorView tensor, int part, int parts) {
    int columns = Math.toIntExact(tensor.columnCount()) / parts;
    return new TensorMatrix(tensor, 0, Math.toIntExact(tensor.rowCount()), part * columns, columns);
  }

  @Override
  public WeightFormat stored() {
    return switch (tensor.dtype()) {
      case BF16 -> WeightFormat.BF16;
      case F16 -> WeightFormat.F16;
      default -> WeightFormat.F32;
    };
  }

  @Override
  public void readRow(int row, float[] target, int offset) {
    long from = (firstRow + (long) row) * tensor.columnCount() + firstColumn;
    tensor.copyTo(from, target, offset, columns);
  }
}
