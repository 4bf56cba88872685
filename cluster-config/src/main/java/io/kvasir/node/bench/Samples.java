package io.kvasir.node.bench;

import java.util.Arrays;

/** Durations of which percentiles are wanted; all are kept. For one thread. */
final class Samples {
  private double[] values = new double[256];
  private int count;

  void add(double value) {
    if (count == values.length) {
      values = Arrays.copyOf(values, 2 * count);
    }
    values[count++] = value;
  }

  int count() {
    return count;
  }

  /** The least value that {@code share} of the samples do not exceed; NaN without samples. */
  double percentile(double share) {
    if (count == 0) {
      return Double.NaN;
    }
    double[] sorted = Arrays.copyOf(values, count);
    Arrays.sort(sorted);
    return sorted[Math.clamp((int) Math.ceil(share * count) - 1, 0, count - 1)];
  }
}
