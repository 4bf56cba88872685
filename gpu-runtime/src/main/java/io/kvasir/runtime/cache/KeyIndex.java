package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * From a 128-bit key to a page index: open addressing with linear probing and back-shift deletion.
 * The keys themselves live here, one pair per page. Sized once for every page of the arena, so it
 * never grows. Keys are cryptographic hashes, so their low bits are the hash code.
 */
final class KeyIndex {
  private static final int EMPTY = -1;

  private final long[] high;
  private final long[] low;
  private final int[] table;
  private final int mask;
  private int count;

  KeyIndex(int pages) {
    high = new long[pages];
    low = new long[pages];
    int size = Integer.highestOneBit(Math.max(8, pages)) * 4;
    table = new int[size];
    mask = size - 1;
    Arrays.fill(table, EMPTY);
  }

  int count() {
    return count;
  }

  long high(int page) {
    return high[page];
  }

  long low(int page) {
    return low[page];
  }

  /** The page with this key, or −1. */
  int find(long keyHigh, long keyLow) {
    for (int i = (int) keyLow & mask; table[i] != EMPTY; i = (i + 1) & mask) {
      int page = table[i];
      if (low[page] == keyLow && high[page] == keyHigh) {
        return page;
      }
    }
    return EMPTY;
  }

  /** Adds a key that is not present. */
  void add(int page, long keyHigh, long keyLow) {
    high[page] = keyHigh;
    low[page] = keyLow;
    int i = (int) keyLow & mask;
    while (table[i] != EMPTY) {
      i = (i + 1) & mask;
    }
    table[i] = page;
    count++;
  }

  /** Removes the key of a page that is present. */
  void remove(int page) {
    int hole = (int) low[page] & mask;
    while (table[hole] != page) {
      if (table[hole] == EMPTY) {
        throw new IllegalStateException("page=" + page + " is not in the prefix index");
      }
      hole = (hole + 1) & mask;
    }
    count--;
    int i = hole;
    while (true) {
      i = (i + 1) & mask;
      int other = table[i];
      if (other == EMPTY) {
        table[hole] = EMPTY;
        return;
      }
      int home = (int) low[other] & mask;
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        table[hole] = other;
        hole = i;
      }
    }
  }
}
