package io.kvasir.runtime.model;

import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.model.StepExecutor.LogitConsumer;

/**
 * Rows that leave with their hidden state after the final norm: collected, then normed together.
 * Owned by {@link StepExecutor}; holds no memory until the first such row, and allocates nothing
 * afterwards.
 */
final class StateRows implements AutoCloseable {
  private static final int MAX_ROWS = 64;

  private final StepContext c;
  private final int capacity;
  private final WorkItem[] item;
  private final int[] ordinal;
  private final int[] batchRow;
  private DeviceFloats rows;
  private DeviceFloats normed;
  private float[] host;
  private int count;

  StateRows(StepContext context) {
    c = context;
    capacity = Math.min(MAX_ROWS, c.maxRows);
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

  /** Norms and hands out what was added; waits for the device. */
  void flush(LogitConsumer consumer) {
    if (count == 0) {
      return;
    }
    int n = count;
    count = 0;
    int width = c.model.hiddenSize();
    if (host == null) {
      rows = c.device.floats((long) capacity * width);
      normed = c.device.floats((long) capacity * width);
      host = new float[Math.multiplyExact(capacity, width)];
    }
    c.kernels.gatherRows(c.buffers.hidden, batchRow, n, width, rows, 0);
    c.kernels.rmsNorm(rows, c.model.finalNorm(), c.model.normEps(), n, width, normed);
    c.device.download(normed, 0, host, 0, n * width);
    c.device.await();
    for (int i = 0; i < n; i++) {
      consumer.acceptState(item[i], ordinal[i], host, i * width);
      item[i] = null;
    }
  }

  @Override
  public void close() {
    if (host != null) {
      rows.close();
      normed.close();
    }
  }
}
