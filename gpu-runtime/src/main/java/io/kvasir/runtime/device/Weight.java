package io.kvasir.runtime.device;

/** Packed weights: a linear layer of one or more stacked parts, or an embedding table. */
public interface Weight extends AutoCloseable {
  WeightFormat format();

  /** Inputs of a linear layer, or the width of a table's rows. */
  int inWidth();

  /** Outputs of all parts, or the rows of a table. */
  int outWidth();

  int partCount();

  /** Outputs of one part. */
  int partWidth(int part);

  /** Bytes held in device memory. */
  long bytes();

  @Override
  void close();
}
