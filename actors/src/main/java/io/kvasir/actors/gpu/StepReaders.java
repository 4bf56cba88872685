package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.StepWakeups;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Tells all readers whose tokens one step of an engine has brought with one task. Told one by one,
 * each would wake a thread that takes a core from the engine while it is still handing over, once a
 * token; so it happens once a step, after the last token. Wake-ups outside of a step run at once.
 */
final class StepReaders implements StepWakeups {
  private final Executor executor;
  private final List<Runnable> held = new ArrayList<>();

  /** The engine's thread while it hands over; nobody else compares equal to it. */
  private volatile Thread handingOver;

  /**
   * @param executor of the readers, which must run their wake-ups in the order given
   */
  StepReaders(Executor executor) {
    this.executor = executor;
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

  /** Runs a reader's wake-up, at the end of the step if this is the engine's thread in one. */
  void wake(Runnable wakeup) {
    if (Thread.currentThread() == handingOver) {
      held.add(wakeup);
    } else {
      wakeup.run();
    }
  }
}
