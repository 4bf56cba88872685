package io.kvasir.node.bench.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.node.bench.transport.Medium;
import io.kvasir.node.cluster.ChildCommand;
import io.kvasir.node.cluster.NodeKeeper;
import io.kvasir.node.cluster.RestartPolicy;
import io.kvasir.node.cluster.StatusClient;
import io.kvasir.transport.driver.DriverHandle;
import io.kvasir.transport.driver.DriverSettings;
import io.kvasir.transport.driver.MediaDrivers;
import io.kvasir.transport.driver.SizingSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.CloseHelper;

/**
 * Real node processes ({@code kvasir node}), each started again by a keeper in this process when it
 * is killed. Their logs go to files. Nothing outlives this process. One thread.
 */
final class BenchCluster implements AutoCloseable {
  private static final String LOOPBACK = "127.0.0.1";
  private static final Duration READY_LIMIT = Duration.ofMinutes(2);
  private static final Duration END_LIMIT = Duration.ofSeconds(10);
  private static final long POLL_NS = TimeUnit.MILLISECONDS.toNanos(50);

  /** As bin/kvasir starts a node. */
  static final List<String> COLLECTOR =
      List.of("-XX:+UseSerialGC", "-XX:NewSize=32m", "-XX:MaxNewSize=64m");

  private final long startedNs = System.nanoTime();
  private final ClusterPlan plan;
  private final Map<String, NodeKeeper> keepers = new LinkedHashMap<>();
  private final Map<String, URI> admins = new LinkedHashMap<>();
  private final List<URI> gateways = new ArrayList<>();
  private final DriverHandle driver;
  private final Thread hook = new Thread(this::end, "bench-cluster-end");

  /**
   * Starts the nodes and returns when each is Up, knows the others, and those that compute have
   * their model.
   *
   * @param logs folder of the nodes' logs
   * @throws IOException naming a node's log when they do not come up
   */
  static BenchCluster start(ClusterPlan plan, Path logs) throws IOException, InterruptedException {
    BenchCluster cluster = new BenchCluster(plan, logs);
    boolean ready = false;
    try {
      cluster.awaitReady(logs);
      ready = true;
      return cluster;
    } finally {
      if (!ready) {
        cluster.close();
      }
    }
  }

  /** Since the first nodes were started. */
  long upSeconds() {
    return (System.nanoTime() - startedNs) / 1_000_000_000;
  }

  private BenchCluster(ClusterPlan plan, Path logs) throws IOException {
    this.plan = plan;
    int count = plan.nodeCount();
    int[] ports = freePorts(3 * count);
    this.driver = plan.medium() == Medium.IPC ? driver(plan) : null;
    Runtime.getRuntime().addShutdownHook(hook);
    int i = 0;
    for (ClusterPlan.Node node : plan.nodes()) {
      Map<String, String> own = new LinkedHashMap<>(node.settings());
      own.put("kvasir.actors.cluster.name", node.name());
      for (int r = 0; r < node.roles().size(); r++) {
        own.put("kvasir.actors.cluster.roles." + r, node.roles().get(r));
      }
      own.put("kvasir.node.cluster.host", LOOPBACK);
      own.put("kvasir.node.cluster.port", "" + ports[i]);
      own.put("kvasir.node.cluster.seeds.0", LOOPBACK + ":" + ports[0]);
      own.put("kvasir.node.cluster.seeds.1", LOOPBACK + ":" + ports[1]);
      own.put("kvasir.node.cluster.admin.port", "" + ports[count + i]);
      if (driver != null) {
        own.put("kvasir.transport.driver.mode", "external");
        own.put("kvasir.transport.driver.external-folder", driver.folder().toString());
      }
      List<String> arguments = new ArrayList<>(List.of("node"));
      own.forEach((key, value) -> arguments.addAll(List.of("--set", key + "=" + value)));
      arguments.addAll(List.of("--host", LOOPBACK, "--port", "" + ports[2 * count + i]));
      arguments.add("--launched");
      List<String> command = ChildCommand.of(node.heapMib(), COLLECTOR, arguments);
      ProcessBuilder.Redirect log =
          ProcessBuilder.Redirect.appendTo(logs.resolve(node.name() + ".log").toFile());
      RestartPolicy restarts =
          RestartPolicy.from(
              ConfigFactory.parseMap(node.settings()).withFallback(ConfigFactory.load()));
      keepers.put(node.name(), new NodeKeeper(node.name(), command, restarts, log, line -> {}));
      admins.put(node.name(), URI.create("http://" + LOOPBACK + ":" + ports[count + i]));
      if (node.gateway()) {
        gateways.add(URI.create("http://" + LOOPBACK + ":" + ports[2 * count + i]));
      }
      i++;
    }
  }

  private static DriverHandle driver(ClusterPlan plan) {
    Config config = ConfigFactory.load();
    return MediaDrivers.open(
        DriverSettings.from(config).change(Map.of("mode", "embedded")),
        SizingSettings.from(config)
            .change(Map.of("nodes-per-host", plan.nodeCount(), "max-peers", plan.nodeCount() - 1)),
        error -> System.err.println("media driver: " + error));
  }

  /** Ports that nobody has at this moment, all different. */
  private static int[] freePorts(int count) throws IOException {
    List<ServerSocket> held = new ArrayList<>();
    try {
      int[] ports = new int[count];
      for (int i = 0; i < count; i++) {
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        held.add(socket);
        ports[i] = socket.getLocalPort();
      }
      return ports;
    } finally {
      CloseHelper.quietCloseAll(held);
    }
  }

  private void awaitReady(Path logs) throws IOException, InterruptedException {
    await(
        "the cluster is ready (logs: " + logs + ")",
        () -> {
          for (Map.Entry<String, NodeKeeper> keeper : keepers.entrySet()) {
            if (keeper.getValue().awaitEnd(Duration.ofMillis(1))) {
              throw new IOException(
                  "%s ended with %d before the cluster was ready, see %s"
                      .formatted(
                          keeper.getKey(),
                          keeper.getValue().exitCode(),
                          logs.resolve(keeper.getKey() + ".log")));
            }
          }
          return isReady();
        });
  }

  /**
   * Whether every node sees all nodes, and each computing one with its model. A gateway alone goes
   * on showing a node that has been killed until its heartbeats are missed.
   */
  boolean isReady() throws InterruptedException {
    try {
      for (URI admin : admins.values()) {
        int up = 0;
        int loaded = 0;
        JsonNode status = StatusClient.get(admin);
        for (JsonNode member : status.path("members")) {
          boolean counts =
              member.path("status").asText().equals("Up")
                  && member.path("reachable").asBoolean()
                  && member.path("known").asBoolean();
          up += counts ? 1 : 0;
          loaded += counts && !member.path("models").isEmpty() ? 1 : 0;
        }
        if (up != plan.nodeCount() || loaded < plan.computing()) {
          return false;
        }
      }
      return true;
    } catch (IOException notYet) {
      return false;
    }
  }

  /** Returns when all nodes are there again. */
  void awaitWhole() throws IOException, InterruptedException {
    await("every node is back", this::isReady);
  }

  /** Something that becomes true. */
  interface Condition {
    boolean holds() throws IOException, InterruptedException;
  }

  /**
   * Polls.
   *
   * @throws IOException naming what did not become true in two minutes
   */
  static void await(String what, Condition condition) throws IOException, InterruptedException {
    long startNs = System.nanoTime();
    while (!condition.holds()) {
      if (System.nanoTime() - startNs > READY_LIMIT.toNanos()) {
        throw new IOException("after %d s still not: %s".formatted(READY_LIMIT.toSeconds(), what));
      }
      LockSupport.parkNanos(POLL_NS);
    }
  }

  /** Where clients of a gateway go. */
  URI gateway(int index) {
    return gateways.get(index);
  }

  /** A node's admin routes. */
  URI admin(String node) {
    return admins.get(node);
  }

  /** All nodes' names, gateways first. */
  List<String> names() {
    return List.copyOf(keepers.keySet());
  }

  /** Names of the nodes that compute. */
  List<String> computing() {
    return names().subList(plan.gateways().size(), plan.nodeCount());
  }

  /** The node's process in its present life. */
  long pid(String node) {
    return keepers.get(node).pid();
  }

  /** {@code kill -9}; its keeper starts it again. */
  void kill(String node) {
    ProcessHandle.of(pid(node)).ifPresent(ProcessHandle::destroyForcibly);
  }

  private synchronized void end() {
    keepers.values().forEach(NodeKeeper::stop);
    long deadlineNs = System.nanoTime() + END_LIMIT.toNanos();
    try {
      for (NodeKeeper keeper : keepers.values()) {
        keeper.awaitEnd(Duration.ofNanos(Math.max(1_000_000, deadlineNs - System.nanoTime())));
      }
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    } finally {
      CloseHelper.quietCloseAll(keepers.values());
      CloseHelper.quietClose(driver);
    }
  }

  /** Ends all nodes in an orderly way, or by force when that takes too long. Idempotent. */
  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
      end();
    } catch (IllegalStateException shuttingDown) {
      // The hook sees to it.
    }
  }
}
