package io.kvasir.runtime.device.cpu.bench;

import java.util.function.IntConsumer;

/** The same work on several threads at once. */
final class Threads {
  private Threads() {}

  /** Runs {@code work} with each thread's number, on the caller where there is only one. */
  static void run(int threads, IntConsumer work) {
    if (threads == 1) {
      work.accept(0);
      return;
    }
    Thread[] started = new Thread[threads];
    for (int t = 0; t < threads; t++) {
      int number = t;
      started[t] = Thread.ofPlatform().start(() -> work.accept(number));
    }
    for (Thread thread : started) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
