package io.kvasir.runtime.model;

import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Kernels.Store;
import io.kvasir.runtime.model.StepExecutor.LogitConsumer;

/**
 * Rows that leave with logits: collected, then normed and projected together. Owned by {@link
 * StepExecutor}; allocates nothing after construction.
 */
final class LogitRows implements AutoCloseable {
  private static final int MAX_ROWS = 64;

  private final StepContext c;
  private final int capacity;
  private final DeviceFloats rows;
  private final DeviceFloats normed;
  private final DeviceFloats logits;
  private final float[] host;
  private final WorkItem[] item;
  private final int[] ordinal;
  private final int[] batchRow;
  private int count;

  LogitRows(StepContext context) {
    c = context;
    capacity = Math.min(MAX_ROWS, c.maxRows);
    rows = c.device.floats((long) capacity * c.model.hiddenSize());
    normed = c.device.floats((long) capacity * c.model.hiddenSize());
    logits = c.device.floats((long) capacity * c.model.vocabSize());
    host = new float[Math.multiplyExact(capacity, c.model.vocabSize())];
    item = new WorkItem[capacity];
    ordinal = new int[capacity];
    batchRow = new int[capacity];
  }

  /** Forgets rows that a failed step left behind. */
  void clear() {
    count = 0;
  }

  void add(WorkItem owner, int rowOrdinal, int row, LogitConsumer consumer) {
    item[count] = owner;
    ordinal[count] = rowOrdinal;
    batchRow[count] = row;
    if (++count == capacity) {
      flush(consumer);
    }
  }

  /** Computes and hands out what was added; waits for the device. */
  void flush(LogitConsumer consumer) {
    if (count == 0) {
      return;
    }
    int n = count;
    count = 0;
    DecoderModel model = c.model;
    int width = model.hiddenSize();
    int vocab = model.vocabSize();
    c.kernels.gatherRows(c.buffers.hidden, batchRow, n, width, rows, 0);
    c.kernels.rmsNorm(rows, model.finalNorm(), model.normEps(), n, width, normed);
    c.kernels.linear(normed, 0, width, n, model.head(), 0, 1, null, logits, 0, vocab, Store.SET);
    c.device.download(logits, 0, host, 0, n * vocab);
    c.device.await();
    for (int i = 0; i < n; i++) {
      consumer.accept(item[i], ordinal[i], host, i * vocab);
      item[i] = null;
    }
  }

  @Override
  public void close() {
    rows.close();
    normed.close();
    logits.close();
  }
}
