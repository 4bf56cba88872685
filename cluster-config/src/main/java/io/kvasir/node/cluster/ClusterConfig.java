package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.actors.cluster.ClusterSettings;
import io.kvasir.actors.settings.ConfigurationException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Completes a node's configuration by what HOCON cannot derive, and refuses what would be unsafe:
 * nodes that other machines can reach speak mutual TLS.
 */
public final class ClusterConfig {
  /** Name of the actor system: addresses of members begin with it. */
  public static final String SYSTEM = "kvasir";

  static final String PATH = "kvasir.node.cluster";
  private static final String ORIGIN = "derived from " + PATH;
  private static final int MAX_SEEDS = 64;

  /** Blocks go where messages go, unless told otherwise. */
  private static final String LINK_HOST = "kvasir.actors.link.udp-host";

  private ClusterConfig() {}

  /** Whether the profile is one of a cluster. */
  public static boolean isClustered(Config config) {
    return config.getString("pekko.actor.provider").equals("cluster");
  }

  /**
   * The same with the derived keys of {@code pekko.*}.
   *
   * @param buildVersion told to others where the config names none
   * @throws ConfigurationException naming key, value and remedy
   */
  public static Config complete(Config config, String buildVersion) {
    return complete(config, buildVersion, System.getenv());
  }

  static Config complete(Config config, String buildVersion, Map<String, String> environment) {
    Config own = config.getConfig(PATH);
    ClusterSettings settings = ClusterSettings.from(config);
    if (settings.roles().isEmpty()) {
      throw new ConfigurationException(
          "%s.roles is empty, so the node would do nothing; set some of %s or use a profile"
              .formatted(ClusterSettings.PATH, ClusterSettings.ROLES));
    }
    Detection.from(config);
    Discovery discovery = Discovery.from(own, environment);
    boolean tls = checkTls(own, discovery);
    Config complete = set(config, "pekko.remote.artery.transport", tls ? "tls-tcp" : "tcp");
    complete = set(complete, "pekko.cluster.seed-nodes", seedAddresses(own, discovery));
    String version = own.getString("app-version");
    complete =
        set(complete, "pekko.cluster.app-version", version.isEmpty() ? buildVersion : version);
    if (config.getString(LINK_HOST).isEmpty() && !isLoopback(own.getString("host"))) {
      complete = set(complete, LINK_HOST, own.getString("host"));
    }
    for (Map.Entry<String, Object> derived : discovery.derived().entrySet()) {
      complete = set(complete, derived.getKey(), derived.getValue());
    }
    return complete;
  }

  private static Config set(Config config, String key, Object value) {
    return config.withValue(key, ConfigValueFactory.fromAnyRef(value, ORIGIN));
  }

  /** "host:port" of the seeds, this node itself where there is none. */
  static List<String> seeds(Config own) {
    List<String> seeds = own.getStringList("seeds");
    if (seeds.size() > MAX_SEEDS) {
      throw new ConfigurationException(
          "%s.seeds has %d entries, name at most %d".formatted(PATH, seeds.size(), MAX_SEEDS));
    }
    for (String seed : seeds) {
      if (!seed.matches("\\S+:\\d{1,5}")) {
        throw new ConfigurationException(
            "%s.seeds has %s, which is no host:port; write for instance 10.0.0.1:25520"
                .formatted(PATH, seed));
      }
    }
    return seeds;
  }

  private static List<String> seedAddresses(Config own, Discovery discovery) {
    List<String> addresses = new ArrayList<>();
    if (!discovery.asks()) {
      for (String seed : seeds(own)) {
        addresses.add("pekko://" + SYSTEM + "@" + seed);
      }
    }
    return addresses;
  }

  /** Whether to use TLS; refuses plain TCP where others could listen, and halves of a setting. */
  private static boolean checkTls(Config own, Discovery discovery) {
    Config tls = own.getConfig("tls");
    List<String> missing =
        List.of("certificate", "key", "ca").stream()
            .filter(key -> tls.getString(key).isEmpty())
            .toList();
    if (missing.isEmpty()) {
      for (String key : List.of("certificate", "key", "ca")) {
        if (!java.nio.file.Files.isReadable(java.nio.file.Path.of(tls.getString(key)))) {
          throw new ConfigurationException(
              "%s.tls.%s=%s cannot be read; name a PEM file, `kvasir certs` makes one"
                  .formatted(PATH, key, tls.getString(key)));
        }
      }
      return true;
    }
    if (missing.size() < 3) {
      throw new ConfigurationException(
          "%s.tls names some of its files but not %s; set all three or none"
              .formatted(PATH, String.join(" and ", missing)));
    }
    List<String> hosts = new ArrayList<>(List.of(own.getString("host")));
    seeds(own).forEach(seed -> hosts.add(seed.substring(0, seed.lastIndexOf(':'))));
    for (String host : hosts) {
      if (!isLoopback(host)) {
        throw new ConfigurationException(
            "%s has the address %s, which other machines can reach, and no tls; make certificates with `kvasir certs` and set %s.tls, or use 127.0.0.1"
                .formatted(PATH, host, PATH));
      }
    }
    if (discovery.asks()) {
      throw new ConfigurationException(
          "%s.discovery=%s finds nodes on other machines and there is no tls; make certificates with `kvasir certs` and set %s.tls"
              .formatted(PATH, own.getString("discovery"), PATH));
    }
    return false;
  }

  static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException unknown) {
      return false;
    }
  }
}
