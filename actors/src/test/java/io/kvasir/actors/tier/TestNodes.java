package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waiting for events, and several nodes in one process. */
final class TestNodes {
  private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(60);

  private TestNodes() {}

  /** Waits until something is so. */
  static void await(String what, BooleanSupplier condition) {
    long startNs = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - startNs > PATIENCE_NS) {
        fail("not within " + PATIENCE_NS / 1_000_000_000 + " s: " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
