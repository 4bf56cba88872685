package io.kvasir.node.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.Config;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.transport.driver.DriverHandle;
import io.kvasir.transport.driver.DriverSettings;
import io.kvasir.transport.driver.MediaDrivers;
import io.kvasir.transport.driver.SizingSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cluster on this machine: a gateway that lends memory, and nodes that compute, each a JVM of its
 * own kept by this one, all on one media driver in this process. Nothing outlives this process.
 * Main thread.
 */
public final class DemoCluster implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DemoCluster.class);
  private static final String LOOPBACK = "127.0.0.1";
  private static final int GATEWAY_HEAP_MIB = 192;
  private static final int COMPUTING_HEAP_MIB = 256;
  private static final long POLL_NS = TimeUnit.MILLISECONDS.toNanos(250);

  /**
   * JVMs that start at a time: together they take all cores for some seconds, and those that are in
   * the cluster already would not be heard in time.
   */
  private static final int STARTING = Math.max(3, Runtime.getRuntime().availableProcessors());

  private final int count;
  private final List<NodeKeeper> keepers = new ArrayList<>();
  private final Deque<Supplier<NodeKeeper>> waiting = new ArrayDeque<>();
  private final Duration drainLimit;
  private final DriverHandle driver;
  private final String url;
  private final Map<String, URI> adminUrls = new LinkedHashMap<>();
  private boolean closed;

  /**
   * Starts the first nodes, which are not ready yet; {@link #awaitReady} starts the rest.
   *
   * @param config of one of them, for what they share
   * @param nodes 2 or more: one gateway, the rest compute
   * @param httpPort of the gateway
   * @param arguments of {@code kvasir node} for all of them
   * @param lines takes what nodes print and what happens to them, on several threads
   */
  public DemoCluster(
      Config config, int nodes, int httpPort, List<String> arguments, Consumer<String> lines)
      throws IOException {
    this(config, nodes, httpPort, List.of(), arguments, lines);
  }

  /**
   * Starts the first nodes, which are not ready yet; {@link #awaitReady} starts the rest.
   *
   * @param flags of the nodes' JVMs, beside this one's
   */
  public DemoCluster(
      Config config,
      int nodes,
      int httpPort,
      List<String> flags,
      List<String> arguments,
      Consumer<String> lines)
      throws IOException {
    count = nodes;
    int[] ports = freePorts(2 * nodes);
    drainLimit = NodeLife.drainLimit(KvasirSettings.from(config));
    url = "http://" + LOOPBACK + ":" + httpPort;
    Map<String, Integer> size = Map.of("nodes-per-host", nodes, "max-peers", nodes - 1);
    driver =
        MediaDrivers.open(
            DriverSettings.from(config).change(Map.of("mode", "embedded")),
            SizingSettings.from(config).change(size),
            error -> LOG.warn("media driver: {}", error.toString()));
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    for (int i = 0; i < nodes; i++) {
      boolean gateway = i == 0;
      List<String> all = new ArrayList<>(List.of("node", "--profile", "demo_node"));
      all.addAll(arguments);
      set(all, "kvasir.actors.cluster.name", "node-" + (i + 1));
      set(all, "kvasir.actors.cluster.roles.0", gateway ? "gateway" : "decode");
      set(all, "kvasir.actors.cluster.roles.1", gateway ? "cache" : "prefill");
      if (!gateway) {
        set(all, "kvasir.actors.cluster.roles.2", "cache");
      }
      set(all, "kvasir.node.cluster.port", "" + ports[i]);
      set(all, "kvasir.node.cluster.seeds.0", LOOPBACK + ":" + ports[0]);
      set(all, "kvasir.node.cluster.seeds.1", LOOPBACK + ":" + ports[1]);
      set(all, "kvasir.node.cluster.admin.port", "" + ports[nodes + i]);
      set(all, "kvasir.transport.driver.mode", "external");
      set(all, "kvasir.transport.driver.external-folder", driver.folder().toString());
      size.forEach((key, value) -> set(all, "kvasir.transport.sizing." + key, "" + value));
      all.add("--port");
      all.add(Integer.toString(gateway ? httpPort : 0));
      all.add("--launched");
      String name = "node-" + (i + 1);
      adminUrls.put(name, URI.create("http://" + LOOPBACK + ":" + ports[nodes + i]));
      List<String> command =
          ChildCommand.of(gateway ? GATEWAY_HEAP_MIB : COMPUTING_HEAP_MIB, flags, all);
      RestartPolicy policy = RestartPolicy.from(config);
      waiting.add(() -> new NodeKeeper(name, command, policy, lines));
    }
    startNodes(STARTING);
  }

  /** Starts so many of those that wait. */
  private synchronized void startNodes(int most) {
    for (int i = 0; i < most && !waiting.isEmpty() && !closed; i++) {
      keepers.add(waiting.remove().get());
    }
  }

  private synchronized List<NodeKeeper> started() {
    return List.copyOf(keepers);
  }

  private static void set(List<String> arguments, String key, String value) {
    arguments.add("--set");
    arguments.add(key + "=" + value);
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
      for (ServerSocket socket : held) {
        socket.close();
      }
    }
  }

  /** Whether nobody listens on this port of the loopback interface. */
  public static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException taken) {
      return false;
    }
  }

  /** A port that nobody has at this moment. */
  public static int freePort() throws IOException {
    return freePorts(1)[0];
  }

  /**
   * Returns when every node is Up, knows the others, and those that compute have their models.
   *
   * @param lines takes a line whenever something has changed
   * @throws IOException with one sentence when a node ends for good, or the limit has passed
   */
  public void awaitReady(Duration limit, Consumer<String> lines)
      throws IOException, InterruptedException {
    long startNs = System.nanoTime();
    String last = "";
    while (true) {
      String now = progress();
      if (now.isEmpty()) {
        return;
      }
      if (!now.equals(last)) {
        lines.accept(now);
        last = now;
      }
      startMore();
      for (NodeKeeper keeper : started()) {
        if (keeper.awaitEnd(Duration.ofMillis(1))) {
          throw new IOException(
              "a node ended with %d before the cluster was ready, its log says why"
                  .formatted(keeper.exitCode()));
        }
      }
      if (System.nanoTime() - startNs > limit.toNanos()) {
        throw new IOException(
            "the cluster was not ready after %d s (%s)".formatted(limit.toSeconds(), now));
      }
      LockSupport.parkNanos(POLL_NS);
    }
  }

  /** Starts nodes that wait in the place of those that answer by now. */
  private void startMore() throws InterruptedException {
    List<URI> urls;
    synchronized (this) {
      if (waiting.isEmpty()) {
        return;
      }
      urls = List.copyOf(adminUrls.values()).subList(0, keepers.size());
    }
    int silent = 0;
    for (URI admin : urls) {
      try {
        StatusClient.get(admin);
      } catch (IOException notYet) {
        silent++;
      }
    }
    startNodes(STARTING - silent);
  }

  /** What is missing; empty = nothing. */
  private String progress() throws InterruptedException {
    JsonNode status;
    try {
      status = StatusClient.get(adminUrl());
    } catch (IOException notYet) {
      return "starting %d nodes".formatted(count);
    }
    int up = 0;
    int loaded = 0;
    for (JsonNode member : status.path("members")) {
      if (member.path("status").asText().equals("Up") && member.path("known").asBoolean()) {
        up++;
        loaded += member.path("models").isEmpty() ? 0 : 1;
      }
    }
    int computing = count - 1;
    return up >= count && loaded >= computing
        ? ""
        : "%d of %d nodes in the cluster, %d of %d with a model"
            .formatted(up, count, loaded, computing);
  }

  /** Where clients go. */
  public String url() {
    return url;
  }

  /** Where the cluster is shown: the gateway's admin address. */
  public URI adminUrl() {
    return adminUrls.values().iterator().next();
  }

  /** Admin addresses by the nodes' names, {@code node-1}, the gateway, first. */
  public Map<String, URI> adminUrls() {
    return Collections.unmodifiableMap(adminUrls);
  }

  /**
   * Kills a node without a word to it, as a crash would; its keeper starts it again.
   *
   * @throws IllegalArgumentException when no node has this name
   */
  public void kill(String node) {
    keeper(node).kill();
  }

  /**
   * Stops a node in its tracks until {@link #resume}: it answers nothing and knows nothing of it.
   *
   * @throws IOException when the signal cannot be sent
   * @throws IllegalArgumentException when no node has this name
   */
  public void pause(String node) throws IOException, InterruptedException {
    keeper(node).signal("STOP");
  }

  /** Lets a paused node go on. */
  public void resume(String node) throws IOException, InterruptedException {
    keeper(node).signal("CONT");
  }

  /**
   * Tells a node to drain and to end, as SIGTERM does; its keeper starts it again.
   *
   * @throws IllegalArgumentException when no node has this name
   */
  public void restart(String node) {
    keeper(node).restart();
  }

  /**
   * Lives of a node so far, its present one included.
   *
   * @throws IllegalArgumentException when no node has this name
   */
  public int lives(String node) {
    return keeper(node).lives();
  }

  private NodeKeeper keeper(String node) {
    int i = List.copyOf(adminUrls.keySet()).indexOf(node);
    if (i < 0) {
      throw new IllegalArgumentException(
          "node=%s is none of %s".formatted(node, adminUrls.keySet()));
    }
    List<NodeKeeper> all = started();
    if (i >= all.size()) {
      throw new IllegalStateException(
          "node=%s is not started yet, call awaitReady first".formatted(node));
    }
    return all.get(i);
  }

  /** Process ids of the nodes that were started, in their present lives, the gateway first. */
  public List<Long> pids() {
    return started().stream().map(NodeKeeper::pid).toList();
  }

  /** Returns when the gateway has ended for good. */
  public void awaitEnd() throws InterruptedException {
    started().getFirst().awaitEnd(Duration.ofDays(36_500));
  }

  /** Ends all nodes in an orderly way, then the media driver. Idempotent. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      NodeLife.endAll(keepers, drainLimit);
      driver.close();
    }
  }
}
