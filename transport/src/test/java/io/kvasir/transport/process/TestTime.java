package io.kvasir.transport.process;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The one factor by which tests stretch their bounds ({@code -Dkvasir.test.timeFactor=3} on a slow
 * machine), and waiting for an event under such a bound. Any thread.
 */
public final class TestTime {
  /** System property holding the factor. */
  public static final String FACTOR_PROPERTY = "kvasir.test.timeFactor";

  private static final long POLL_NS = 2_000_000;
  private static final double FACTOR = read(System.getProperty(FACTOR_PROPERTY, "1"));

  private TestTime() {}

  static double read(String value) {
    double factor;
    try {
      factor = Double.parseDouble(value);
    } catch (NumberFormatException e) {
      factor = Double.NaN;
    }
    if (!(factor >= 0.1 && factor <= 100)) {
      throw new IllegalArgumentException(
          FACTOR_PROPERTY + "=" + value + " is out of range; set a number between 0.1 and 100");
    }
    return factor;
  }

  /** The factor of this run. */
  public static double factor() {
    return FACTOR;
  }

  /** {@code bound} times the factor. */
  public static Duration scaled(Duration bound) {
    return Duration.ofNanos((long) (bound.toNanos() * FACTOR));
  }

  /**
   * Waits until {@code event} holds.
   *
   * @param bound before scaling
   * @param what names the event in the failure
   * @throws AssertionError when the bound has passed
   */
  public static void await(Duration bound, Supplier<String> what, BooleanSupplier event) {
    Duration scaled = scaled(bound);
    long startNs = System.nanoTime();
    while (!event.getAsBoolean()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new AssertionError("interrupted while waiting for " + what.get());
      }
      if (System.nanoTime() - startNs > scaled.toNanos()) {
        throw new AssertionError("after " + scaled.toMillis() + " ms still not: " + what.get());
      }
      LockSupport.parkNanos(POLL_NS);
    }
  }
}
