package io.kvasir.transport.sim;

import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * Virtual time: events run in order of their time, and of their scheduling where times are equal.
 * All randomness of a run comes from {@link #random()}, so a seed is a run.
 */
public final class SimScheduler {
  private record Event(long timeNs, long order, Runnable action) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      int byTime = Long.compare(timeNs, other.timeNs);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final SplittableRandom random;
  private final Runnable afterEach;
  private long nowNs;
  private long elapsedNs;
  private long scheduled;

  /**
   * @param seed of every random choice
   * @param afterEach invariant check after every event
   */
  public SimScheduler(long seed, Runnable afterEach) {
    this.random = new SplittableRandom(seed);
    this.afterEach = afterEach;
    // Half the runs cross the sign change of a nanosecond clock.
    this.nowNs = random.nextBoolean() ? Long.MAX_VALUE - random.nextLong(1_000_000_000L) : 0;
  }

  /** Virtual time; wraps around like System.nanoTime may. */
  public long nowNs() {
    return nowNs;
  }

  /** The run's only source of randomness. */
  public SplittableRandom random() {
    return random;
  }

  /** Runs an action after a delay of virtual time. */
  public void schedule(long delayNs, Runnable action) {
    events.add(new Event(elapsedNs + delayNs, scheduled++, action));
  }

  /** Virtual time since the start; never wraps. */
  public long elapsedNs() {
    return elapsedNs;
  }

  /** Runs the next event; false when there is none. */
  public boolean step() {
    Event event = events.poll();
    if (event == null) {
      return false;
    }
    nowNs += event.timeNs - elapsedNs;
    elapsedNs = event.timeNs;
    event.action.run();
    afterEach.run();
    return true;
  }

  /** Runs events for a stretch of virtual time. */
  public void runFor(long durationNs) {
    long endNs = elapsedNs + durationNs;
    while (!events.isEmpty() && events.peek().timeNs <= endNs) {
      step();
    }
    nowNs += endNs - elapsedNs;
    elapsedNs = endNs;
  }
}
