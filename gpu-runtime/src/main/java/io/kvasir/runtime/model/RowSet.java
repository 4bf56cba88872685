package io.kvasir.runtime.model;

import java.util.Arrays;

/**
 * A list of batch rows, ascending within each item. {@link #all} marks the identity over the whole
 * batch, which needs no gather.
 */
public final class RowSet {
  int[] rows = new int[16];
  int count;
  boolean all;

  void clear() {
    count = 0;
    all = false;
  }

  void add(int row) {
    if (count == rows.length) {
      rows = Arrays.copyOf(rows, 2 * count);
    }
    rows[count++] = row;
  }

  /** Becomes the identity over {@code batchRows} rows. */
  void setAll(int batchRows) {
    while (rows.length < batchRows) {
      rows = new int[2 * rows.length];
    }
    for (int i = 0; i < batchRows; i++) {
      rows[i] = i;
    }
    count = batchRows;
    all = true;
  }

  /** Marks the set as identity if it names every row of the batch in order. */
  void normalise(int batchRows) {
    boolean identity = count == batchRows;
    for (int i = 0; identity && i < count; i++) {
      identity = rows[i] == i;
    }
    all = identity;
  }

  boolean sameAs(RowSet other) {
    return Arrays.equals(rows, 0, count, other.rows, 0, other.count);
  }

  public int count() {
    return count;
  }

  public int row(int i) {
    return rows[i];
  }
}
