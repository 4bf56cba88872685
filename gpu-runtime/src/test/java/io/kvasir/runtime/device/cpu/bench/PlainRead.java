package io.kvasir.runtime.device.cpu.bench;

/** Sequential read of a large array on several threads: what the memory gives. */
final class PlainRead {
  private static final int LENGTH = 1 << 26;

  /** Values a call: a loop that runs long inside one call is never compiled by C2 here. */
  private static final int STRETCH = 1 << 16;

  private static volatile long sink;

  private PlainRead() {}

  static double gigabytesPerSecond(int threads, int rounds) {
    long[] values = new long[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      values[i] = i;
    }
    double time = KernelBench.best(rounds, () -> readAll(values, threads));
    return 8.0 * LENGTH / time / 1e9;
  }

  private static void readAll(long[] values, int threads) {
    Threads.run(
        threads,
        t -> {
          int from = (int) ((long) LENGTH * t / threads);
          int to = (int) ((long) LENGTH * (t + 1) / threads);
          sink += sumAll(values, from, to);
        });
  }

  private static long sumAll(long[] values, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i += STRETCH) {
      sum += sum(values, i, Math.min(to, i + STRETCH));
    }
    return sum;
  }

  /**
   * One value of each cache line: the whole line travels, and so little work a line keeps more of
   * them in flight than summing every value would.
   */
  private static long sum(long[] values, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i += 8) {
      sum += values[i];
    }
    return sum;
  }
}
