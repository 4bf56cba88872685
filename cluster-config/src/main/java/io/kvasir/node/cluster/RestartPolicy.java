package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import io.kvasir.actors.settings.ConfigurationException;
import java.time.Duration;

/**
 * How long a launcher waits before it starts a node again: longer each time, until a life was long
 * enough to forgive. Pure; for one thread.
 */
public final class RestartPolicy {
  private static final String PATH = ClusterConfig.PATH + ".restart";

  private final Duration first;
  private final Duration longest;
  private final Duration forgiveAfter;
  private Duration next;

  /**
   * Makes a policy.
   *
   * @param forgiveAfter a life that long makes the next wait the first again
   * @throws ConfigurationException when they contradict each other
   */
  public RestartPolicy(Duration first, Duration longest, Duration forgiveAfter) {
    if (first.toMillis() < 1 || longest.compareTo(first) < 0) {
      throw new ConfigurationException(
          "%s.first=%d ms must be at least 1 ms and longest=%d ms no shorter; raise longest"
              .formatted(PATH, first.toMillis(), longest.toMillis()));
    }
    this.first = first;
    this.longest = longest;
    this.forgiveAfter = forgiveAfter;
    this.next = first;
  }

  /** What {@code kvasir.node.cluster.restart} says. */
  public static RestartPolicy from(Config config) {
    Config own = config.getConfig(PATH);
    return new RestartPolicy(
        own.getDuration("first"), own.getDuration("longest"), own.getDuration("forgive-after"));
  }

  /**
   * A life has ended.
   *
   * @return the wait before the next one
   */
  Duration ended(Duration life) {
    if (life.compareTo(forgiveAfter) >= 0) {
      next = first;
    }
    Duration wait = next;
    Duration doubled = next.multipliedBy(2);
    next = doubled.compareTo(longest) > 0 ? longest : doubled;
    return wait;
  }
}
