package io.kvasir.node.bench.transport;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.BusySpinIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;

/** Idle strategies by name, and waiting with a bound. */
final class Waiting {
  private static final long BOUND_NS = TimeUnit.SECONDS.toNanos(20);

  private Waiting() {}

  /** {@code yield}, {@code spin} or {@code backoff} (Aeron's values). */
  static IdleStrategy idle(String name) {
    return switch (name) {
      case "yield" -> new YieldingIdleStrategy();
      case "spin" -> new BusySpinIdleStrategy();
      case "backoff" -> new BackoffIdleStrategy(10, 20, 1000, 1_000_000);
      default -> throw new IllegalArgumentException("unknown idle strategy " + name);
    };
  }

  /** Polls once a millisecond, for at most 20 s. */
  static void until(String what, BooleanSupplier event) {
    until(what, BOUND_NS, event);
  }

  static void until(String what, long boundNs, BooleanSupplier event) {
    long startNs = System.nanoTime();
    while (!event.getAsBoolean()) {
      if (System.nanoTime() - startNs > boundNs) {
        throw new IllegalStateException(
            "after " + TimeUnit.NANOSECONDS.toSeconds(boundNs) + " s still not: " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Gives up a loop that makes no progress. */
  static void checkDeadline(long startNs, String what) {
    if (System.nanoTime() - startNs > 2 * BOUND_NS) {
      throw new IllegalStateException("no progress in 40 s: " + what);
    }
  }
}
