package io.kvasir.actors.gateway.access;

import java.util.concurrent.TimeUnit;

/**
 * How long requests have lately stayed, from arrival to end. When a bound on requests in progress
 * is reached, whoever is refused now finds those before it gone after this time (Little's law:
 * number in progress / throughput), so this is what Retry-After says. Safe from any thread.
 */
public final class Sojourn {
  private static final int MAX_SECONDS = 60;
  private static final double WEIGHT = 0.05;

  private final int minSeconds;
  private double meanNs;

  /** An estimate that never says less than {@code minSeconds}. */
  public Sojourn(int minSeconds) {
    this.minSeconds = minSeconds;
  }

  /** A request ended. */
  public synchronized void ended(long durationNs) {
    meanNs = meanNs == 0 ? durationNs : meanNs + WEIGHT * (durationNs - meanNs);
  }

  /** Whole seconds, at most 60. */
  public synchronized int retryAfterSeconds() {
    double seconds = Math.ceil(meanNs / TimeUnit.SECONDS.toNanos(1));
    return (int)
        Math.clamp(seconds, (double) minSeconds, (double) Math.max(minSeconds, MAX_SECONDS));
  }
}
