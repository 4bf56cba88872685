package io.kvasir.actors.gateway.access;

import java.util.function.LongSupplier;

/**
 * An amount per minute that refills steadily and never holds more than one minute's worth. What was
 * taken in advance and not used can be given back. Safe from any thread.
 */
final class MinuteBudget {
  private static final double MINUTE_NS = 60e9;

  private final int perMinute;
  private final LongSupplier clockNs;
  private double level;
  private long levelNs;

  MinuteBudget(int perMinute, LongSupplier clockNs) {
    this.perMinute = perMinute;
    this.clockNs = clockNs;
    this.level = perMinute;
    this.levelNs = clockNs.getAsLong();
  }

  /** Takes all of {@code amount} or nothing. */
  synchronized boolean take(long amount) {
    refill();
    if (level < amount) {
      return false;
    }
    level -= amount;
    return true;
  }

  /** Returns a part of what was taken. */
  synchronized void giveBack(long amount) {
    refill();
    level = Math.min(perMinute, level + amount);
  }

  /** Whole units that can be taken now. */
  synchronized long remaining() {
    refill();
    return (long) level;
  }

  /** Time until {@code amount}, which is at most one minute's worth, can be taken. */
  synchronized long waitNs(long amount) {
    refill();
    return level >= amount ? 0 : (long) Math.ceil((amount - level) / perMinute * MINUTE_NS);
  }

  int perMinute() {
    return perMinute;
  }

  private void refill() {
    long nowNs = clockNs.getAsLong();
    level = Math.min(perMinute, level + (nowNs - levelNs) / MINUTE_NS * perMinute);
    levelNs = nowNs;
  }
}
