package io.kvasir.actors.cluster;

import com.typesafe.config.Config;
import io.kvasir.actors.settings.ConfigurationException;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;

/**
 * Settings of this node's place in the cluster; each is described in reference.conf.
 *
 * @param nodeId 0 = derived from the node's host and port
 * @param name empty = host and port
 * @param repeatInterval a peer that has not answered is told again after this time
 * @param maxNodes nodes kept in the view; others are refused
 */
public record ClusterSettings(
    long nodeId, String name, Set<String> roles, Duration repeatInterval, int maxNodes) {
  /** Config path. */
  public static final String PATH = "kvasir.actors.cluster";

  /** Roles that a node may have. */
  public static final Set<String> ROLES =
      java.util.Collections.unmodifiableSet(
          new TreeSet<>(Set.of("gateway", "prefill", "decode", "cache")));

  private static final int MOST_NODES = 4096;
  private static final int LONGEST_NAME = 64;

  public ClusterSettings {
    roles = java.util.Collections.unmodifiableSet(new TreeSet<>(roles));
    for (String role : roles) {
      if (!ROLES.contains(role)) {
        throw new ConfigurationException(
            "%s.roles has %s, which is no role; use some of %s".formatted(PATH, role, ROLES));
      }
    }
    if (name.length() > LONGEST_NAME) {
      throw new ConfigurationException(
          "%s.name has %d characters, use at most %d".formatted(PATH, name.length(), LONGEST_NAME));
    }
    if (maxNodes < 1 || maxNodes > MOST_NODES) {
      throw new ConfigurationException(
          "%s.max-nodes=%d is out of range; set a value between 1 and %d"
              .formatted(PATH, maxNodes, MOST_NODES));
    }
    if (repeatInterval.toMillis() < 50) {
      throw new ConfigurationException(
          "%s.repeat-interval=%d ms would flood peers; set 50 ms or more"
              .formatted(PATH, repeatInterval.toMillis()));
    }
  }

  /**
   * Reads {@code kvasir.actors.cluster}.
   *
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static ClusterSettings from(Config config) {
    Config own = config.getConfig(PATH);
    return new ClusterSettings(
        own.getLong("node-id"),
        own.getString("name"),
        Set.copyOf(own.getStringList("roles")),
        own.getDuration("repeat-interval"),
        own.getInt("max-nodes"));
  }
}
