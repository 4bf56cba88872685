package io.kvasir.node.bench;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;

/**
 * The yardstick of memory-bound decoding: how fast threads read a big array once from start to end.
 * The array is far larger than the last-level cache. For one caller at a time.
 */
final class PlainRead {
  private static final int WORDS = 64 << 20;
  private final long[][] parts;
  private volatile long sink;

  PlainRead(int threads) {
    parts = new long[threads][WORDS / threads];
    for (long[] part : parts) {
      Arrays.fill(part, 3);
    }
  }

  /** One pass over half a gigabyte; gigabytes (10⁹ bytes) a second over all threads. */
  double gigabytesPerSecond() throws InterruptedException {
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
                sink = sum(part);
                done.countDown();
              });
    }
    ready.await();
    long start = System.nanoTime();
    go.countDown();
    done.await();
    return 8.0 * parts.length * parts[0].length / (System.nanoTime() - start);
  }

  /** C2 turns this into vector adds; eight sums keep enough loads in flight. */
  private static long sum(long[] a) {
    long s0 = 0;
    for (int i = 0; i < a.length; i++) {
      s0 += a[i];
    }
    return s0;
  }
}
