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
  public static final Scale EVERYDAY = new Scale(200, Duration.ofSeconds(3), Duration.ofSeconds(4));

  /** As the issue asks for it. */
  public static final Scale FULL = new Scale(10_000, Duration.ofSeconds(60), Duration.ofMinutes(5));
}
