package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.StepWakeups;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Tells all readers whose tokens one step of an engine has brought with one task. Told one by one,
 * each would wake a thread that takes a core from the engine while it is still handing over, once a
 * token; so it happens once a step, after the last token. With a gap, readers wait for several
 * steps where many read: what a token costs on its way to a client is taken from the cores that
 * compute tokens. First tokens and ends never wait, and whoever waits goes with them. Wake-ups
 * outside of a step run at once.
 */
final class StepReaders implements StepWakeups, StreamedGeneration.Readers {
  /** No reader waits for longer while steps go on: text still seems to flow. */
  static final long LONGEST_GAP_NS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Executor executor;
  private final long gapNs;
  private final LongSupplier clockNs;
  private final List<Runnable> held = new ArrayList<>();
  private boolean urgent;
  private long toldNs;

  /** The engine's thread while it hands over; nobody else compares equal to it. */
  private volatile Thread handingOver;

  /**
   * @param executor of the readers, which must run their wake-ups in the order given
   * @param gapNs between two times at which readers are told, for each of them; 0 = every step
   */
  StepReaders(Executor executor, long gapNs, LongSupplier clockNs) {
    this.executor = executor;
    this.gapNs = gapNs;
    this.clockNs = clockNs;
    this.toldNs = clockNs.getAsLong() - LONGEST_GAP_NS;
  }

  /**
   * How far apart one reader's news are.
   *
   * @param eventsPerCore pieces of news a second for each core; 0 = no limit
   */
  static long gapNs(int eventsPerCore, int cores) {
    return eventsPerCore == 0 ? 0 : TimeUnit.SECONDS.toNanos(1) / ((long) eventsPerCore * cores);
  }

  @Override
  public void begin() {
    handingOver = Thread.currentThread();
  }

  @Override
  public void end() {
    handingOver = null;
    if (held.isEmpty()) {
      return;
    }
    long nowNs = clockNs.getAsLong();
    if (urgent || nowNs - toldNs >= Math.min(LONGEST_GAP_NS, held.size() * gapNs)) {
      tell(nowNs);
    }
  }

  @Override
  public void rest() {
    if (!held.isEmpty()) {
      tell(clockNs.getAsLong());
    }
  }

  private void tell(long nowNs) {
    toldNs = nowNs;
    urgent = false;
    Runnable[] wakeups = held.toArray(new Runnable[0]);
    held.clear();
    try {
      executor.execute(
          () -> {
            for (Runnable wakeup : wakeups) {
              wakeup.run();
            }
          });
    } catch (RejectedExecutionException stopping) {
      // The actor system ends, and its streams with it.
    }
  }

  /** Runs a reader's wake-up, at the end of a step if this is the engine's thread in one. */
  @Override
  public void wake(Runnable wakeup, boolean soon) {
    if (Thread.currentThread() == handingOver) {
      held.add(wakeup);
      urgent |= soon;
    } else {
      wakeup.run();
    }
  }
}
