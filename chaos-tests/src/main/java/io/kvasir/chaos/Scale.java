package io.kvasir.chaos;

import java.time.Duration;

/**
 * How much of a scenario is run. What holds must hold at every scale.
 *
 * @param repeats of what is repeated
 * @param pause of a node that stands still; longer than any lease
 * @param length of what goes on for a while
 */
public record Scale(int repeats, Duration pause, Duration length) {
  /** For every build. */
  public static final Scale EVERYDAY = new Scale(60, Duration.ofSeconds(3), Duration.ofSeconds(3));

  /** As the issue asks for it. */
  public static final Scale FULL = new Scale(10_000, Duration.ofSeconds(60), Duration.ofMinutes(2));

  /**
   * How long something may take that must not take longer than {@code limit}: a build shares its
   * machine with other work, so that only a run at full length holds anybody to figures.
   */
  public Duration within(Duration limit) {
    return repeats < FULL.repeats ? Evidence.PATIENCE : limit;
  }
}
