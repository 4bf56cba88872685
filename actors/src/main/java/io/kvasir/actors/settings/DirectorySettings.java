package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;

/**
 * Settings of a node's part of the directory.
 *
 * @param keep whether this node keeps a copy
 * @param copies of a chain's entries
 * @param hotCopies of a chain that is asked for much
 * @param hotLookupsPerSecond on one copy, from which a chain has more copies
 * @param maxEntries (block, node) pairs that a copy keeps; about 50 bytes each
 * @param maxOwnersPerBlock nodes recorded for one block
 * @param maxOwnEntries blocks of this node that are announced; about 50 bytes each
 * @param queueEntries changes waiting to be sent; beyond it everything is announced anew
 * @param batchEntries changes of one message
 * @param batchDelay longest wait of a change for others
 * @param window messages of a stream under way to one copy
 * @param ackTimeout after which they are sent again
 * @param heartbeat of a stream without changes
 * @param leaveGrace after which entries of an unreachable node are removed
 * @param maxOutstanding lookups under way; further ones are late at once
 * @param hedgeMin least wait for the first copy before the second is asked
 * @param hedgeMax longest wait
 * @param dispatcher config path of the dispatcher of what tells copies and writes this one
 */
public record DirectorySettings(
    boolean keep,
    int copies,
    int hotCopies,
    int hotLookupsPerSecond,
    int maxEntries,
    int maxOwnersPerBlock,
    int maxOwnEntries,
    int queueEntries,
    int batchEntries,
    Duration batchDelay,
    int window,
    Duration ackTimeout,
    Duration heartbeat,
    Duration leaveGrace,
    int maxOutstanding,
    Duration hedgeMin,
    Duration hedgeMax,
    String dispatcher) {
  /**
   * Reads {@code kvasir.actors.directory}.
   *
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static DirectorySettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, "kvasir.actors.directory");
    int copies = reader.count("copies", 1, 16);
    Duration hedgeMin =
        reader.duration("hedge-min", Duration.ofNanos(100_000), Duration.ofSeconds(1));
    return new DirectorySettings(
        reader.flag("keep"),
        copies,
        reader.count("hot-copies", copies, 64),
        reader.count("hot-lookups-per-second", 1, 1_000_000),
        reader.count("max-entries", 1000, 100_000_000),
        reader.count("max-owners-per-block", 1, 1024),
        reader.count("max-own-entries", 1000, 100_000_000),
        reader.count("queue-entries", 64, 1 << 20),
        reader.count("batch-entries", 1, 2048),
        reader.duration("batch-delay", Duration.ofMillis(1), Duration.ofSeconds(1)),
        reader.count("window", 1, 64),
        reader.duration("ack-timeout", Duration.ofMillis(50), Duration.ofSeconds(30)),
        reader.duration("heartbeat", Duration.ofMillis(50), Duration.ofSeconds(30)),
        reader.duration("leave-grace", Duration.ZERO, Duration.ofHours(1)),
        reader.count("max-outstanding", 1, 1 << 20),
        hedgeMin,
        reader.duration("hedge-max", hedgeMin, Duration.ofSeconds(1)),
        reader.key("dispatcher"));
  }
}
