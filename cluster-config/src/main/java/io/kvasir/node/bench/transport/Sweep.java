package io.kvasir.node.bench.transport;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks for the fastest configuration of a way: one setting after the other is tried over all its
 * values while the others stay at their best, which finds the same as all combinations would as
 * long as the settings do not depend on each other much, in a tenth of the time.
 */
final class Sweep {
  private static final int RUNS = 3;

  /** A setting and its values. */
  record Axis(String key, List<String> values) {
    static Axis of(String key, String... values) {
      return new Axis(key, List.of(values));
    }
  }

  private final Pair pair;
  private final PrintStream out;

  Sweep(Pair pair, PrintStream out) {
    this.pair = pair;
    this.out = out;
  }

  /** The winner, printed with its speed. */
  Spec run(String name, Spec start, List<Axis> axes, long bytes) throws IOException {
    Spec best = start;
    double bestGbs = measure(start, bytes);
    int tried = 1;
    for (Axis axis : axes) {
      for (String value : axis.values()) {
        if (value.equals(best.text(axis.key()))) {
          continue;
        }
        Spec candidate = best.with(axis.key(), value);
        double gbs = measure(candidate, bytes);
        tried++;
        if (gbs > bestGbs) {
          bestGbs = gbs;
          best = candidate;
        }
      }
    }
    out.printf("%s: fastest of %d is %s (%.2f GB/s)%n", name, tried, best, bestGbs);
    return best;
  }

  private double measure(Spec spec, long bytes) throws IOException {
    String key = pair.open(spec);
    try {
      pair.move(key, bytes / 4);
      List<Double> runs = new ArrayList<>();
      for (int run = 0; run < RUNS; run++) {
        runs.add(pair.move(key, bytes / 4));
      }
      return runs.stream().sorted().toList().get(RUNS / 2);
    } finally {
      pair.close(key);
    }
  }
}
