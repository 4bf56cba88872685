package io.kvasir.transport;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The counters of one transport. The agent writes all of them but {@link
 * TransportCounter#COMMANDS_REJECTED}; any thread reads.
 */
public final class TransportCounters {
  private final AtomicLongArray values = new AtomicLongArray(TransportCounter.count());

  /** Current value. */
  public long get(TransportCounter counter) {
    return values.getAcquire(counter.ordinal());
  }

  /** Adds from the agent: no locked instruction. */
  public void add(TransportCounter counter, long amount) {
    int index = counter.ordinal();
    values.setRelease(index, values.getPlain(index) + amount);
  }

  /** Adds one from the agent. */
  public void increment(TransportCounter counter) {
    add(counter, 1);
  }

  /** Sets a level from the agent. */
  public void set(TransportCounter counter, long value) {
    values.setRelease(counter.ordinal(), value);
  }

  /** Adds one from any thread; for counters that the agent never touches. */
  public void incrementShared(TransportCounter counter) {
    values.getAndIncrement(counter.ordinal());
  }
}
