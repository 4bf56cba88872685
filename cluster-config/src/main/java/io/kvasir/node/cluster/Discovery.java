package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import io.kvasir.actors.settings.ConfigurationException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a node finds the first others: by addresses that are configured, or by asking DNS or the API
 * server of Kubernetes who there is. Those that are asked for are probed through their admin ports
 * (Pekko Management's bootstrap), so that these must be reachable for each other. Immutable.
 *
 * @param name that is looked up: of a DNS record, or the pods' label "app"
 * @param portName by which admin ports are found; empty = all nodes have the port of this one
 * @param contactPoints that must be found before a new cluster is formed
 * @param nameServers "address:port" of those that are asked; none = the system's
 * @param namespace of the pods; empty = this pod's
 */
record Discovery(
    Kind kind,
    String name,
    String portName,
    int contactPoints,
    List<String> nameServers,
    String namespace) {
  /** Where addresses come from. */
  enum Kind {
    SEEDS,
    DNS,
    KUBERNETES
  }

  private static final String PATH = ClusterConfig.PATH;
  private static final String BOOTSTRAP = "pekko.management.cluster.bootstrap.";
  private static final String API_HOST = "KUBERNETES_SERVICE_HOST";
  private static final int MAX_CONTACT_POINTS = 1000;
  private static final int MAX_NAME_SERVERS = 16;

  /**
   * Reads and checks what lies below {@code kvasir.node.cluster}.
   *
   * @param environment variables of this process
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  static Discovery from(Config own, Map<String, String> environment) {
    Discovery discovery =
        new Discovery(
            kind(own.getString("discovery")),
            own.getString("discovery-name"),
            own.getString("discovery-port-name"),
            own.getInt("contact-points"),
            own.getStringList("name-servers"),
            own.getString("kubernetes-namespace"));
    if (discovery.kind != Kind.SEEDS) {
      discovery.check(own, environment);
    }
    return discovery;
  }

  private static Kind kind(String word) {
    return switch (word) {
      case "seeds" -> Kind.SEEDS;
      case "dns" -> Kind.DNS;
      case "kubernetes" -> Kind.KUBERNETES;
      default ->
          throw new ConfigurationException(
              "%s.discovery=%s is unknown; set one of seeds, dns, kubernetes"
                  .formatted(PATH, word));
    };
  }

  private void check(Config own, Map<String, String> environment) {
    if (!name.matches("[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")) {
      throw new ConfigurationException(
          "%s.discovery-name=%s is no name of 1 to 253 letters, digits, dots and dashes; write the DNS name or the label \"app\" that all nodes share"
              .formatted(PATH, name));
    }
    if (!portName.matches("|[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")) {
      throw new ConfigurationException(
          "%s.discovery-port-name=%s is no name of at most 15 lower-case letters, digits and dashes; write the admin port's name, or nothing where all nodes have the same port"
              .formatted(PATH, portName));
    }
    if (contactPoints < 1 || contactPoints > MAX_CONTACT_POINTS) {
      throw new ConfigurationException(
          "%s.contact-points=%d is out of range; set the number of nodes that a new cluster begins with, 1 to %d"
              .formatted(PATH, contactPoints, MAX_CONTACT_POINTS));
    }
    if (nameServers.size() > MAX_NAME_SERVERS) {
      throw new ConfigurationException(
          "%s.name-servers has %d entries, name at most %d"
              .formatted(PATH, nameServers.size(), MAX_NAME_SERVERS));
    }
    for (String server : nameServers) {
      if (!server.matches("\\d{1,3}(\\.\\d{1,3}){3}(:\\d{1,5})?")) {
        throw new ConfigurationException(
            "%s.name-servers has %s, which is no IPv4 address with or without a port; write for instance 10.0.0.2:53"
                .formatted(PATH, server));
      }
    }
    checkAdmin(own);
    if (kind == Kind.KUBERNETES && environment.getOrDefault(API_HOST, "").isEmpty()) {
      throw new ConfigurationException(
          "%s.discovery=kubernetes asks the API server at %s, which is not set; run the node in a pod, or set discovery to dns or seeds"
              .formatted(PATH, API_HOST));
    }
  }

  /** The port by which others look at this node before they join it. */
  private void checkAdmin(Config own) {
    String adminHost = own.getString("admin.host");
    boolean reachable = !ClusterConfig.isLoopback(own.getString("host"));
    if (reachable && ClusterConfig.isLoopback(adminHost)) {
      throw new ConfigurationException(
          "%s.admin.host=%s cannot be reached by the nodes that discovery finds; set it to this node's address, %s"
              .formatted(PATH, adminHost, own.getString("host")));
    }
    if (own.getInt("admin.port") == 0 && portName.isEmpty()) {
      throw new ConfigurationException(
          "%s.admin.port=0 cannot be found by other nodes; set the port that all nodes have, or discovery-port-name"
              .formatted(PATH));
    }
  }

  /** Whether others are asked for nodes. */
  boolean asks() {
    return kind != Kind.SEEDS;
  }

  /** What Pekko is told. */
  Map<String, Object> derived() {
    Map<String, Object> keys = new LinkedHashMap<>();
    if (!asks()) {
      return keys;
    }
    keys.put(
        BOOTSTRAP + "contact-point-discovery.discovery-method",
        kind == Kind.DNS ? "pekko-dns" : "kubernetes-api");
    keys.put(BOOTSTRAP + "contact-point-discovery.port-name", portName);
    // With both DNS is asked for service records, without them for addresses.
    keys.put(BOOTSTRAP + "contact-point-discovery.protocol", portName.isEmpty() ? "" : "tcp");
    if (!nameServers.isEmpty()) {
      keys.put("pekko.io.dns.async-dns.nameservers", nameServers);
      // The hosts that service records name are looked up there as well, when they are probed.
      keys.put("pekko.io.dns.resolver", "async-dns");
    }
    if (!namespace.isEmpty()) {
      keys.put("pekko.discovery.kubernetes-api.pod-namespace", namespace);
    }
    return keys;
  }
}
