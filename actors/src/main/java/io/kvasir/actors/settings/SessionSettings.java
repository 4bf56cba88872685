package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;

/**
 * Settings of sessions.
 *
 * @param shards equal on every node, for the life of the cluster
 * @param role nodes that own sessions; empty = all that start the service
 * @param maxSessions in a node's memory; beyond it the least recently used is put away
 * @param idleTimeout after which a session is put away
 * @param demoteAfter idle time from which a session that is put away has its KV demoted
 * @param maxOutstanding questions under way; further ones are late at once
 * @param sharding what differs from {@code pekko.cluster.sharding}
 */
public record SessionSettings(
    int shards,
    String role,
    int maxSessions,
    Duration idleTimeout,
    Duration demoteAfter,
    int maxOutstanding,
    Config sharding) {
  /**
   * Reads {@code kvasir.actors.session}.
   *
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static SessionSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, "kvasir.actors.session");
    return new SessionSettings(
        reader.count("number-of-shards", 1, 10_000),
        reader.text("role"),
        reader.count("max-sessions", 1, 10_000_000),
        reader.duration("idle-timeout", Duration.ofSeconds(1), Duration.ofDays(7)),
        reader.duration("demote-after", Duration.ZERO, Duration.ofDays(7)),
        reader.count("max-outstanding", 1, 1 << 20),
        reader.below("sharding").config());
  }
}
