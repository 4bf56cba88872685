package io.kvasir.actors.timing;

import java.time.Duration;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * The ticks of an actor: often while something is under way, seldom while nothing is, so that an
 * idle node sleeps. It turns fast at once, and slow at a tick that finds nothing to do. One thread.
 *
 * @param <T> what the actor understands
 */
public final class Pace<T> {
  private final TimerScheduler<T> timers;
  private final T tick;
  private final Duration fast;
  private final int ticksPerSlow;
  private boolean slow;

  /**
   * Begins fast.
   *
   * @param fast a tick while something is under way
   * @param slow a tick while nothing is, rounded down to a multiple of {@code fast}, at least that
   */
  public Pace(TimerScheduler<T> timers, T tick, Duration fast, Duration slow) {
    this.timers = timers;
    this.tick = tick;
    this.fast = fast;
    this.ticksPerSlow = Math.clamp(slow.dividedBy(fast), 1, 1 << 20);
    start();
  }

  private void start() {
    timers.startTimerWithFixedDelay(tick, fast.multipliedBy(ticks()));
  }

  /** For how many fast ticks the one that has come stands. */
  public int ticks() {
    return slow ? ticksPerSlow : 1;
  }

  /** Something is under way. */
  public void busy() {
    if (slow) {
      slow = false;
      start();
    }
  }

  /** A tick has found whether anything is under way. */
  public void ticked(boolean busy) {
    if (busy) {
      busy();
    } else if (!slow && ticksPerSlow > 1) {
      slow = true;
      start();
    }
  }
}
