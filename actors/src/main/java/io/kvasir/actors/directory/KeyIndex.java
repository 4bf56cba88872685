package io.kvasir.actors.directory;

import java.util.Arrays;

/**
 * Open-addressing map from 128-bit keys to small stable numbers, without an object an entry.
 * Numbers of removed keys are used again. Holds what its caller keeps under the numbers in parallel
 * arrays, which grow with {@link #capacity()}. Not thread-safe but for {@link #guess} and {@link
 * #glimpse}, which may be wrong beside a writer.
 */
final class KeyIndex {
  private static final int FIRST_CAPACITY = 16;

  /** A line of memory holds sixteen; few keys lie farther from their first cell. */
  private static final int GLIMPSE_CELLS = 8;

  /** [cell] number + 1, or 0; linear probing, removal shifts back. */
  private int[] cells = new int[2 * FIRST_CAPACITY];

  private long[] high = new long[FIRST_CAPACITY];

  /** Of a removed key: the next removed one. */
  private long[] low = new long[FIRST_CAPACITY];

  private int free = -1;
  private int limit;
  private int count;

  /** Keys in it. */
  int count() {
    return count;
  }

  /** Heap bytes of its arrays. */
  long bytes() {
    return (long) cells.length * Integer.BYTES + 2L * high.length * Long.BYTES;
  }

  /** Numbers are below this. */
  int limit() {
    return limit;
  }

  /** Length that parallel arrays need. */
  int capacity() {
    return high.length;
  }

  long high(int number) {
    return high[number];
  }

  long low(int number) {
    return low[number];
  }

  /** Number of a key, or -1. */
  int find(long keyHigh, long keyLow) {
    int mask = cells.length - 1;
    int cell = Mix.slot(keyHigh, keyLow) & mask;
    while (cells[cell] != 0) {
      int number = cells[cell] - 1;
      if (low[number] == keyLow && high[number] == keyHigh) {
        return number;
      }
      cell = cell + 1 & mask;
    }
    return -1;
  }

  /**
   * Number in the first cell of a key, mostly its own; -1 = the cell is empty. Beside a writer it
   * may be stale, as {@link #glimpse} may.
   */
  int guess(long keyHigh, long keyLow) {
    int[] now = cells;
    return now[Mix.slot(keyHigh, keyLow) & now.length - 1] - 1;
  }

  /** Like {@link #find}, but gives up after some cells. */
  int glimpse(long keyHigh, long keyLow) {
    int[] now = cells;
    long[] highs = high;
    long[] lows = low;
    int mask = now.length - 1;
    int cell = Mix.slot(keyHigh, keyLow) & mask;
    for (int i = 0; i < GLIMPSE_CELLS; i++) {
      int number = now[cell] - 1;
      if (number < 0 || number >= Math.min(highs.length, lows.length)) {
        return -1;
      }
      if (lows[number] == keyLow && highs[number] == keyHigh) {
        return number;
      }
      cell = cell + 1 & mask;
    }
    return -1;
  }

  /** Adds a key that is not in it. */
  int add(long keyHigh, long keyLow) {
    int number = free;
    if (number >= 0) {
      free = (int) low[number];
    } else {
      if (limit == high.length) {
        grow();
      }
      number = limit++;
    }
    high[number] = keyHigh;
    low[number] = keyLow;
    count++;
    place(number);
    return number;
  }

  /** Removes the key of a number. */
  void remove(int number) {
    int mask = cells.length - 1;
    int hole = Mix.slot(high[number], low[number]) & mask;
    while (cells[hole] != number + 1) {
      hole = hole + 1 & mask;
    }
    cells[hole] = 0;
    int cell = hole + 1 & mask;
    while (cells[cell] != 0) {
      int other = cells[cell] - 1;
      int home = Mix.slot(high[other], low[other]) & mask;
      if ((cell - home & mask) >= (cell - hole & mask)) {
        cells[hole] = cells[cell];
        cells[cell] = 0;
        hole = cell;
      }
      cell = cell + 1 & mask;
    }
    low[number] = free;
    free = number;
    count--;
  }

  /** Grows by a half: an index of ten million keys wastes less than one that doubles. */
  private void grow() {
    int larger = high.length + (high.length >> 1);
    high = Arrays.copyOf(high, larger);
    low = Arrays.copyOf(low, larger);
    if (larger > cells.length * 2 / 3) {
      cells = new int[cells.length * 2];
      for (int number = 0; number < limit; number++) {
        place(number);
      }
    }
  }

  private void place(int number) {
    int mask = cells.length - 1;
    int cell = Mix.slot(high[number], low[number]) & mask;
    while (cells[cell] != 0) {
      cell = cell + 1 & mask;
    }
    cells[cell] = number + 1;
  }
}
