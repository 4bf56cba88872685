package io.kvasir.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** What a scenario has seen so far. Any thread. */
public final class Evidence {
  /** How long an event may take on a machine that does other things as well. */
  public static final Duration PATIENCE = Duration.ofSeconds(90);

  private static final int MAX_LINES = 1000;
  private static final long POLL_NS = 2_000_000;

  private final List<String> lines = new ArrayList<>();

  /** Something did not hold. */
  public static final class Broken extends RuntimeException {
    private static final long serialVersionUID = 1;

    Broken(String sentence) {
      super(sentence);
    }
  }

  /** Notes what was seen. */
  public synchronized void note(String format, Object... values) {
    if (lines.size() < MAX_LINES) {
      lines.add(String.format(Locale.ROOT, format, values));
    }
  }

  /**
   * Notes a fact.
   *
   * @throws Broken naming it when it does not hold
   */
  public void holds(boolean fact, String format, Object... values) {
    if (!fact) {
      throw new Broken("not so: " + String.format(Locale.ROOT, format, values));
    }
    note(format, values);
  }

  /**
   * Notes that two things are equal.
   *
   * @throws Broken with both when they are not
   */
  public void equal(Object expected, Object actual, String what) {
    if (!expected.equals(actual)) {
      throw new Broken("%s: %s instead of %s".formatted(what, actual, expected));
    }
    note("%s: %s", what, actual);
  }

  /** Waits for an event under {@link #PATIENCE}; what is thrown meanwhile counts as not yet. */
  public void await(String what, Callable<Boolean> event) throws InterruptedException {
    await(PATIENCE, () -> what, event);
  }

  /**
   * Waits for an event.
   *
   * @param what names it, with values as they are at the end
   * @param event looked at every few milliseconds; what it throws counts as not yet
   * @return how long it took
   * @throws Broken when the limit has passed
   */
  public Duration await(Duration limit, Supplier<String> what, Callable<Boolean> event)
      throws InterruptedException {
    long startNs = System.nanoTime();
    while (true) {
      Exception last = null;
      try {
        if (event.call()) {
          return Duration.ofNanos(System.nanoTime() - startNs);
        }
      } catch (InterruptedException stopped) {
        throw stopped;
      } catch (Exception notYet) {
        last = notYet;
      }
      if (System.nanoTime() - startNs > limit.toNanos()) {
        Broken broken =
            new Broken("after %d ms still not: %s".formatted(limit.toMillis(), what.get()));
        if (last != null) {
          broken.initCause(last);
        }
        throw broken;
      }
      LockSupport.parkNanos(POLL_NS);
      if (Thread.interrupted()) {
        throw new InterruptedException("while waiting for " + what.get());
      }
    }
  }

  /** All of it so far. */
  public synchronized List<String> lines() {
    return List.copyOf(lines);
  }
}
