package io.kvasir.transport.agent;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemNanoClock;

/**
 * Backs off to short parks while there has been work lately, and to longer ones behind that, the
 * longer the quiet has lasted: an agent that wakes five thousand times a second costs a twelfth of
 * a core for nothing. Commands and {@link io.kvasir.transport.BlockTransport#attend} unpark the
 * agent; what a resting one may be late for is the first frame of a peer that nobody announced. One
 * thread.
 */
public final class RestingIdle implements IdleStrategy {
  /** Pauses between the frames of one transfer, and between the requests of a busy node. */
  private static final long REST_AFTER_NS = TimeUnit.MILLISECONDS.toNanos(250);

  /** The first rests; little beside the messages that precede a peer's first frame. */
  private static final long SHORTEST_REST_NS = TimeUnit.MILLISECONDS.toNanos(2);

  /** Twenty looks a second are not to be seen in a node's processor time. */
  private static final long LONGEST_REST_NS = TimeUnit.MILLISECONDS.toNanos(50);

  /** A rest is such a part of the quiet before it: the longest one follows 6.4 s without work. */
  private static final int QUIET_PER_REST = 128;

  private final IdleStrategy eager = new BackoffIdleStrategy(100, 10, 1_000, 200_000);
  private final NanoClock clock;
  private final LongConsumer park;
  private long workedNs;
  private boolean worked = true;

  /** Parks the calling thread by the system's clock. */
  public RestingIdle() {
    this(SystemNanoClock.INSTANCE, LockSupport::parkNanos);
  }

  RestingIdle(NanoClock clock, LongConsumer park) {
    this.clock = clock;
    this.park = park;
  }

  @Override
  public void idle(int workCount) {
    if (workCount > 0) {
      reset();
    } else {
      idle();
    }
  }

  @Override
  public void idle() {
    long nowNs = clock.nanoTime();
    if (worked) {
      worked = false;
      workedNs = nowNs;
    }
    long quietNs = nowNs - workedNs;
    if (quietNs > REST_AFTER_NS) {
      park.accept(Math.clamp(quietNs / QUIET_PER_REST, SHORTEST_REST_NS, LONGEST_REST_NS));
    } else {
      eager.idle();
    }
  }

  @Override
  public void reset() {
    worked = true;
    eager.reset();
  }

  @Override
  public String alias() {
    return "resting";
  }
}
