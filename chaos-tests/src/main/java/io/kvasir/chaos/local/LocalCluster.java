package io.kvasir.chaos.local;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.chaos.Evidence;
import io.kvasir.transport.media.MemoryHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Nodes of one JVM and a gateway in front of them. Everybody sees everybody until a node vanishes
 * and {@link #forget} says so. One thread.
 */
public final class LocalCluster implements AutoCloseable {
  private static final long GATEWAY = 1000;
  private static final String BASE =
      """
      pekko.actor.provider = remote
      pekko.remote.artery { transport = tcp, canonical { hostname = "127.0.0.1", port = 0 } }
      pekko.loglevel = ERROR
      pekko.remote.warn-about-direct-use = off
      pekko.remote.use-unsafe-remote-features-outside-cluster = on
      pekko.remote.warn-unsafe-watch-outside-cluster = off
      pekko.actor.default-dispatcher.fork-join-executor.minimum-runnable = -1
      pekko.actor.allow-java-serialization = off
      pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
      kvasir.runtime { served-name = small, warm-up = 0 s, threads = 1, page-tokens = 16 }
      kvasir.actors.tier {
        host-bytes = 8 MiB
        lookup-deadline = 20 s
        # Loading is to look good: these models compute a prompt in a moment.
        priors.prefill-tokens-per-second = 1
      }
      kvasir.actors.schedule {
        lookup-deadline = 5 s, fetch-deadline = 20 s, silence = 10 s, lease = 15 s
        renew-interval = 100 ms, tick = 50 ms
      }
      """;

  private final Path folder;
  private final Config config;
  private final MemoryHub hub = new MemoryHub();
  private final Random incarnations = new Random();
  private final List<LocalNode> nodes = new ArrayList<>();
  private final List<LocalNode> shown = new ArrayList<>();
  private final LocalGateway gateway;

  /**
   * Starts the gateway alone.
   *
   * @param own settings of all nodes, before the ones for tests
   */
  public LocalCluster(LocalModel model, String own) throws IOException {
    folder = Files.createTempDirectory("kvasir-local");
    Path file = Files.writeString(folder.resolve("config.json"), model.config());
    config =
        ConfigFactory.parseString(own)
            .withFallback(
                ConfigFactory.parseString(
                    "kvasir.runtime { model = \"dummy:%s\", engine.arena = %d }"
                        .formatted(file, model.arenaBytes())))
            .withFallback(ConfigFactory.parseString(BASE))
            .withFallback(ConfigFactory.load())
            .resolve();
    gateway = new LocalGateway(this, GATEWAY);
  }

  /** Nodes 1 to {@code count} and a gateway, linked with each other. */
  public static LocalCluster of(LocalModel model, int count, String own) throws Exception {
    LocalCluster cluster = new LocalCluster(model, own);
    boolean started = false;
    try {
      for (int id = 1; id <= count; id++) {
        cluster.start(id);
      }
      cluster.awaitLinks();
      started = true;
      return cluster;
    } finally {
      if (!started) {
        cluster.close();
      }
    }
  }

  /** Starts a node and shows it to all. */
  public LocalNode start(long id) throws Exception {
    return start(id, 0);
  }

  /**
   * Starts a node at an address and shows it to all; an earlier life of it is forgotten.
   *
   * @param port of its actor system; 0 = any
   */
  public LocalNode start(long id, int port) throws Exception {
    LocalNode node = new LocalNode(this, id, port);
    nodes.removeIf(earlier -> earlier.id() == id && earlier.isGone());
    nodes.add(node);
    shown.removeIf(earlier -> earlier.id() == id);
    shown.add(node);
    publish();
    return node;
  }

  /** Waits until every node can read from every other. */
  public void awaitLinks() {
    for (LocalNode from : nodes()) {
      for (LocalNode to : nodes()) {
        if (from != to
            && !from.links().ready(to.id(), Evidence.PATIENCE).toCompletableFuture().join()) {
          throw new IllegalStateException(
              "node " + from.id() + " has no link with node " + to.id());
        }
      }
    }
  }

  /** The view of all others shows this node no more. */
  public void forget(LocalNode node) {
    shown.remove(node);
    publish();
  }

  /** The gateway sends prompts to this node alone. */
  public void routeTo(LocalNode node) {
    gateway.routeTo(node.id());
    publish();
  }

  void publish() {
    for (LocalNode node : nodes) {
      if (!node.isGone()) {
        node.see(shown);
      }
    }
    gateway.see(shown);
  }

  /** A node by its id. */
  public LocalNode node(long id) {
    return nodes.stream()
        .filter(node -> node.id() == id && !node.isGone())
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("node " + id + " is not there"));
  }

  /** Nodes that live. */
  public List<LocalNode> nodes() {
    return nodes.stream().filter(node -> !node.isGone()).toList();
  }

  public LocalGateway gateway() {
    return gateway;
  }

  /** Waits until nobody holds anything (law 3). */
  public void awaitRest(Evidence evidence) throws InterruptedException {
    for (LocalNode node : nodes()) {
      evidence.await(
          Evidence.PATIENCE,
          () -> "node " + node.id() + " holds nothing, but " + node.held(),
          () -> node.held().nothing());
    }
    evidence.note("no node holds a lease, a loan, a pin or a transfer");
  }

  Config config() {
    return config;
  }

  MemoryHub hub() {
    return hub;
  }

  long incarnation() {
    return incarnations.nextLong() | 1;
  }

  static ActorSystem<Void> system(String name, Config config) {
    return ActorSystem.create(Behaviors.<Void>empty(), name, config);
  }

  static void end(ActorSystem<?> system) {
    system.terminate();
    system
        .getWhenTerminated()
        .toCompletableFuture()
        .orTimeout(Evidence.PATIENCE.toSeconds(), TimeUnit.SECONDS)
        .join();
  }

  @Override
  public void close() {
    gateway.close();
    nodes.forEach(LocalNode::close);
    try {
      Files.deleteIfExists(folder.resolve("config.json"));
      Files.deleteIfExists(folder);
    } catch (IOException left) {
      System.getLogger(LocalCluster.class.getName())
          .log(System.Logger.Level.WARNING, "left behind: " + folder, left);
    }
  }
}
