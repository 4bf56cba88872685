package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import io.kvasir.actors.settings.ConfigurationException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * The times by which the loss of a node is noticed and dealt with, and their sums.
 *
 * @param heartbeat between two signs of life
 * @param pause of a healthy node that is forgiven
 * @param interval of looking for the unreachable, and of the leader's acts
 * @param gossip between two times that a node tells another one what it knows
 * @param stableAfter the survivors must agree for this long
 * @param margin between removal and new ownership
 */
public record Detection(
    Duration heartbeat,
    Duration pause,
    Duration interval,
    Duration gossip,
    Duration stableAfter,
    Duration margin) {
  /** Config path. */
  public static final String PATH = "kvasir.node.cluster.detection";

  /**
   * The detector's threshold of 8 is reached this long after a late heartbeat (100 ms deviation).
   */
  private static final Duration THRESHOLD = Duration.ofMillis(600);

  /** The resolver looks at its deadline once a second. */
  private static final Duration RESOLVER = Duration.ofSeconds(1);

  /** Shards ask for their new home this often, coordinators take over in this time. */
  private static final Duration HANDOVER = Duration.ofSeconds(3);

  public Detection {
    check("heartbeat-interval", heartbeat, 50, 10_000);
    check("acceptable-pause", pause, 500, 600_000);
    check("interval", interval, 50, 10_000);
    check("gossip-interval", gossip, 50, 10_000);
    check("stable-after", stableAfter, 1000, 600_000);
    check("removal-margin", margin, 0, 600_000);
    if (pause.compareTo(heartbeat.multipliedBy(2)) < 0) {
      throw new ConfigurationException(
          "%s.acceptable-pause=%s forgives fewer than two heartbeats of %s; raise acceptable-pause or lower heartbeat-interval"
              .formatted(PATH, seconds(pause), seconds(heartbeat)));
    }
  }

  private static void check(String key, Duration value, long minMs, long maxMs) {
    if (value.toMillis() < minMs || value.toMillis() > maxMs) {
      throw new ConfigurationException(
          "%s.%s=%s is out of range; set a value between %d ms and %d ms"
              .formatted(PATH, key, seconds(value), minMs, maxMs));
    }
  }

  /** Reads {@code kvasir.node.cluster.detection}. */
  public static Detection from(Config config) {
    Config own = config.getConfig(PATH);
    return new Detection(
        own.getDuration("heartbeat-interval"),
        own.getDuration("acceptable-pause"),
        own.getDuration("interval"),
        own.getDuration("gossip-interval"),
        own.getDuration("stable-after"),
        own.getDuration("removal-margin"));
  }

  /** At the latest after its death a node is out of everybody's view. */
  public Duration suspect() {
    return heartbeat.plus(pause).plus(THRESHOLD).plus(interval).plus(gossip);
  }

  /** At the latest after its death a node is no member any more. */
  public Duration removed() {
    return suspect().plus(stableAfter).plus(RESOLVER).plus(interval).plus(gossip);
  }

  /** At the latest after its death others own what it owned. */
  public Duration ownershipBack() {
    return removed().plus(margin).plus(HANDOVER);
  }

  /** The sums with their terms, a line each. */
  public List<String> explain() {
    return List.of(
        "suspect <= %s: heartbeat %s + pause %s + threshold %s + looking %s + telling %s"
            .formatted(
                seconds(suspect()),
                seconds(heartbeat),
                seconds(pause),
                seconds(THRESHOLD),
                seconds(interval),
                seconds(gossip)),
        "removed <= %s: suspect + stable-after %s + resolver %s + leader %s + telling %s"
            .formatted(
                seconds(removed()),
                seconds(stableAfter),
                seconds(RESOLVER),
                seconds(interval),
                seconds(gossip)),
        "ownership back <= %s: removed + margin %s + hand-over %s (no request waits for it)"
            .formatted(seconds(ownershipBack()), seconds(margin), seconds(HANDOVER)));
  }

  /** In tenths of a second, or finer where that would round. */
  private static String seconds(Duration duration) {
    long ns = duration.toNanos();
    return ns % 100_000_000 == 0
        ? String.format(Locale.ROOT, "%.1f s", ns / 1e9)
        : ns % 1_000_000 == 0 ? ns / 1_000_000 + " ms" : ns / 1e6 + " ms";
  }
}
