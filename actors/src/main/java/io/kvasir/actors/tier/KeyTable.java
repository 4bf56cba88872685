package io.kvasir.actors.tier;

import java.util.Arrays;

/**
 * Blocks by key, open addressing over primitive arrays, for a fixed number of entries: group and
 * key to a handle. Not thread-safe.
 */
final class KeyTable {
  static final int NONE = -1;

  private final long[] high;
  private final long[] low;
  private final int[] group;
  private final int[] handle;
  private final int mask;
  private int count;

  /**
   * @param maxEntries at most so many keys at a time
   */
  KeyTable(int maxEntries) {
    int length = Integer.highestOneBit(Math.max(4, maxEntries)) << 2;
    high = new long[length];
    low = new long[length];
    group = new int[length];
    handle = new int[length];
    mask = length - 1;
    Arrays.fill(handle, NONE);
  }

  int count() {
    return count;
  }

  private int start(int ofGroup, long keyHigh, long keyLow) {
    long mixed = (keyHigh ^ Long.rotateLeft(keyLow, 31) ^ ofGroup) * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 32) & mask;
  }

  int get(int ofGroup, long keyHigh, long keyLow) {
    for (int at = start(ofGroup, keyHigh, keyLow); handle[at] != NONE; at = (at + 1) & mask) {
      if (low[at] == keyLow && high[at] == keyHigh && group[at] == ofGroup) {
        return handle[at];
      }
    }
    return NONE;
  }

  /** Adds a key that is not there. */
  void put(int ofGroup, long keyHigh, long keyLow, int value) {
    int at = start(ofGroup, keyHigh, keyLow);
    while (handle[at] != NONE) {
      at = (at + 1) & mask;
    }
    group[at] = ofGroup;
    high[at] = keyHigh;
    low[at] = keyLow;
    handle[at] = value;
    count++;
  }

  /** Removes a key; those behind it move up, so no tombstones gather. */
  void remove(int ofGroup, long keyHigh, long keyLow) {
    int at = start(ofGroup, keyHigh, keyLow);
    while (handle[at] != NONE
        && !(low[at] == keyLow && high[at] == keyHigh && group[at] == ofGroup)) {
      at = (at + 1) & mask;
    }
    if (handle[at] == NONE) {
      return;
    }
    count--;
    int hole = at;
    for (int next = (hole + 1) & mask; handle[next] != NONE; next = (next + 1) & mask) {
      int home = start(group[next], high[next], low[next]);
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        group[hole] = group[next];
        high[hole] = high[next];
        low[hole] = low[next];
        handle[hole] = handle[next];
        hole = next;
      }
    }
    handle[hole] = NONE;
  }
}
