package io.kvasir.actors.directory;

import java.util.ArrayList;
import java.util.List;

/**
 * Counts lookups of roots in bounded space: buckets of a few counters, of which a new root takes
 * the smallest and inherits its count, so that a root asked for much is never missed (and one asked
 * for little may look hot only in a full bucket). Counts halve every interval. Any thread.
 */
final class HotRoots {
  private static final int WAYS = 8;

  private final long[] roots;
  private final int[] counts;
  private final int threshold;

  /**
   * @param size counters, a power of two of at least 8
   * @param threshold count from which a root is hot
   */
  HotRoots(int size, int threshold) {
    this.roots = new long[size];
    this.counts = new int[size];
    this.threshold = threshold;
  }

  /** Counts a lookup. */
  synchronized void touch(long root) {
    int bucket = (int) (Mix.mix64(root) & roots.length / WAYS - 1) * WAYS;
    int least = bucket;
    for (int i = bucket; i < bucket + WAYS; i++) {
      if (roots[i] == root && counts[i] > 0) {
        counts[i]++;
        return;
      }
      if (counts[i] < counts[least]) {
        least = i;
      }
    }
    roots[least] = root;
    counts[least]++;
  }

  /** Ends an interval: names the hot roots and halves every count. */
  synchronized List<Long> endInterval() {
    List<Long> hot = new ArrayList<>();
    for (int i = 0; i < roots.length; i++) {
      if (counts[i] >= threshold) {
        hot.add(roots[i]);
      }
      counts[i] >>>= 1;
    }
    return hot;
  }
}
