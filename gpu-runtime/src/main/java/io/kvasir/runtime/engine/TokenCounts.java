package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * How often each of a bounded number of token ids occurred: an open hash table over dense arrays,
 * so that the distinct ids can be walked. All memory is taken at construction. One thread.
 */
final class TokenCounts {
  private static final int FREE = -1;

  /** Index into the dense arrays by hashed token, or {@link #FREE}; at most half full. */
  private final int[] table;

  private final int[] token;
  private final int[] count;
  private final int shift;
  private int size;

  /**
   * @param capacityTokens distinct ids at most; one more is kept for a draw beyond the last
   */
  TokenCounts(int capacityTokens) {
    int capacity = capacityTokens + 1;
    table = new int[Math.max(4, Integer.highestOneBit(capacity) * 4)];
    Arrays.fill(table, FREE);
    shift = Integer.numberOfLeadingZeros(table.length - 1);
    token = new int[capacity];
    count = new int[capacity];
  }

  void add(int id) {
    int at = find(id);
    if (table[at] == FREE) {
      table[at] = size;
      token[size] = id;
      count[size++] = 0;
    }
    count[table[at]]++;
  }

  /**
   * Takes back the latest {@link #add} that was not taken back. An id that came with it goes with
   * it: being the youngest in the table, its place stops nobody else's search.
   */
  void takeBack(int id) {
    int at = find(id);
    if (--count[table[at]] == 0) {
      table[at] = FREE;
      size--;
    }
  }

  private int find(int id) {
    int mask = table.length - 1;
    int at = id * 0x9E3779B9 >>> shift;
    while (table[at] != FREE && token[table[at]] != id) {
      at = (at + 1) & mask;
    }
    return at;
  }

  /** Distinct ids. */
  int size() {
    return size;
  }

  int token(int index) {
    return token[index];
  }

  int count(int index) {
    return count[index];
  }
}
