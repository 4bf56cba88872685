package io.kvasir.node.bench;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;

/**
 * The yardstick of memory-bound decoding: how fast threads read a big array once from start to end.
 * The array is far larger than the last-level cache. For one caller at a time.
 */
final class PlainRead {
  private static final int WORDS = 64 << 20;
  private static final int BLOCK = 4096;
  private final long[][] parts;
  private volatile long sink;

  PlainRead(int threads) {
    parts = new long[threads][WORDS / threads];
    for (long[] part : parts) {
      Arrays.fill(part, 3);
    }
  }

  /**
   * Gigabytes (10⁹ bytes) a second over all threads; the best of three passes over half a gigabyte,
   * because a pass is short and a neighbour can only slow it down.
   */
  double gigabytesPerSecond() throws InterruptedException {
    return Math.max(pass(), Math.max(pass(), pass()));
  }

  private double pass() throws InterruptedException {
    CountDownLatch ready = new CountDownLatch(parts.length);
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(parts.length);
    for (long[] part : parts) {
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                ready.countDown();
                try {
                  go.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
                sink = total(part);
                done.countDown();
              });
    }
    ready.await();
    long start = System.nanoTime();
    go.countDown();
    done.await();
    return 8.0 * parts.length * parts[0].length / (System.nanoTime() - start);
  }

  private static long total(long[] a) {
    long sum = 0;
    for (int from = 0; from < a.length; from += BLOCK) {
      sum += total(a, from, Math.min(a.length, from + BLOCK));
    }
    return sum;
  }

  /**
   * C2 turns this into vector adds. A method of its own, called often, so that it is compiled
   * whole: the node's flags keep C2 from replacing a loop in mid-run.
   */
  private static long total(long[] a, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += a[i];
    }
    return sum;
  }
}
