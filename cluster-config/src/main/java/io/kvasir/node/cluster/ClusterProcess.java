package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.actors.api.CheckpointSource;
import io.kvasir.actors.api.ClusterNode;
import io.kvasir.actors.cluster.ClusterSettings;
import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.management.cluster.bootstrap.ClusterBootstrap;
import org.apache.pekko.management.javadsl.PekkoManagement;

/** One node of a cluster in this process until it is told to stop or removed. Main thread. */
public final class ClusterProcess implements AutoCloseable {
  private final ActorSystem<Void> system;
  private final ClusterNode node;
  private final String adminUrl;

  private ClusterProcess(ActorSystem<Void> system, ClusterNode node, String adminUrl) {
    this.system = system;
    this.node = node;
    this.adminUrl = adminUrl;
  }

  /**
   * Joins, and returns when this node is Up and its models are loaded.
   *
   * @param config as {@link ClusterConfig#complete} made it
   * @throws RuntimeException with its sentence when a port is taken, or no model loads; nothing is
   *     left running then
   */
  public static ClusterProcess start(Config config, List<Example> examples) {
    KvasirSettings settings = KvasirSettings.from(config);
    ClusterSettings place = ClusterSettings.from(config);
    ActorSystem<Void> system = create(config, settings);
    ClusterProcess started = null;
    try {
      PekkoVersions.check(system);
      ClusterNode node =
          ClusterNode.start(system, settings, place, CheckpointSource.all(settings), examples)
              .toCompletableFuture()
              .join();
      CoordinatedShutdown.get(system)
          .addTask(
              CoordinatedShutdown.PhaseServiceUnbind(),
              "stop-kvasir",
              () -> node.stop().thenApply(stopped -> Done.getInstance()));
      String adminUrl = admin(system, node);
      CompletableFuture<Done> up = join(system, config);
      node.ready().toCompletableFuture().join();
      up.join();
      started = new ClusterProcess(system, node, adminUrl);
      return started;
    } finally {
      if (started == null) {
        CoordinatedShutdown.get(system)
            .runAll(CoordinatedShutdown.unknownReason())
            .toCompletableFuture()
            .join();
      }
    }
  }

  private static ActorSystem<Void> create(Config config, KvasirSettings settings) {
    try {
      return ActorSystem.create(
          Behaviors.empty(), ClusterConfig.SYSTEM, shutdown(config, settings));
    } catch (RuntimeException failure) {
      for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
        if (cause instanceof java.net.BindException
            || cause.getClass().getName().endsWith("RemoteTransportException")) {
          throw new ConfigurationException(
              "%s.port=%s on host %s cannot be bound (%s); choose another, or 0 for any free one"
                  .formatted(
                      ClusterConfig.PATH,
                      config.getValue(ClusterConfig.PATH + ".port").unwrapped(),
                      config.getString(ClusterConfig.PATH + ".host"),
                      cause.getMessage()));
        }
      }
      throw failure;
    }
  }

  /** One deadline for all: what is unfinished then moves by the failover path. */
  private static Config shutdown(Config config, KvasirSettings settings) {
    Duration drain = settings.gateway().stopTimeout().plus(settings.gateway().askTimeout());
    return config.withValue(
        "pekko.coordinated-shutdown.phases."
            + CoordinatedShutdown.PhaseServiceUnbind()
            + ".timeout",
        ConfigValueFactory.fromAnyRef(drain.plusSeconds(5)));
  }

  private static String admin(ActorSystem<Void> system, ClusterNode node) {
    NodeStatus.Holder.of(Adapter.toClassic(system)).set(new NodeStatus(system, node));
    String url =
        PekkoManagement.get(Adapter.toClassic(system))
            .start()
            .exceptionally(
                failure -> {
                  throw new ConfigurationException(
                      "%s.admin.port=%d on host %s cannot be bound (%s); choose another, or 0 for any free one"
                          .formatted(
                              ClusterConfig.PATH,
                              system.settings().config().getInt(ClusterConfig.PATH + ".admin.port"),
                              system
                                  .settings()
                                  .config()
                                  .getString(ClusterConfig.PATH + ".admin.host"),
                              failure.getMessage()));
                })
            .toCompletableFuture()
            .join()
            .toString();
    return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
  }

  private static CompletableFuture<Done> join(ActorSystem<Void> system, Config config) {
    CompletableFuture<Done> up = new CompletableFuture<>();
    Cluster cluster = Cluster.get(Adapter.toClassic(system));
    cluster.registerOnMemberUp(() -> up.complete(Done.getInstance()));
    // Refused at join, or removed before it was ever Up.
    system
        .getWhenTerminated()
        .whenComplete(
            (done, failure) ->
                up.completeExceptionally(
                    new IllegalStateException(
                        "the node was not let into the cluster, its log says why")));
    Config own = config.getConfig(ClusterConfig.PATH);
    if (!own.getString("discovery").equals("seeds")) {
      ClusterBootstrap.get(Adapter.toClassic(system)).start();
    } else if (own.getStringList("seeds").isEmpty()) {
      cluster.join(cluster.selfAddress());
    }
    return up;
  }

  /** The node. */
  public ClusterNode node() {
    return node;
  }

  /** Where it listens for clients, if it is a gateway. */
  public Optional<String> url() {
    return node.server().map(server -> server.url());
  }

  /** Where it tells of the cluster. */
  public String adminUrl() {
    return adminUrl;
  }

  /** Begins an orderly end when the launcher's pipe ends, a short one when all nodes end. */
  public void endWith(InputStream pipe) {
    CoordinatedShutdown shutdown = CoordinatedShutdown.get(system);
    ParentWatch watch =
        ParentWatch.start(pipe, () -> shutdown.runAll(CoordinatedShutdown.unknownReason()));
    shutdown.addTask(
        CoordinatedShutdown.PhaseBeforeClusterShutdown(),
        "end-with-all",
        () ->
            watch.allEnd()
                ? WholeEnd.withoutLeaving(system)
                : CompletableFuture.completedFuture(Done.getInstance()));
  }

  /**
   * Returns when the node has ended.
   *
   * @return exit code: 0 when it was told to, {@link NodeKeeper#EXIT_REMOVED} when the cluster
   *     removed it
   */
  public int awaitEnd() {
    system.getWhenTerminated().toCompletableFuture().join();
    CoordinatedShutdown shutdown = CoordinatedShutdown.get(system);
    boolean removed =
        shutdown
            .getShutdownReason()
            .filter(reason -> reason == CoordinatedShutdown.clusterDowningReason())
            .isPresent();
    return removed ? NodeKeeper.EXIT_REMOVED : 0;
  }

  @Override
  public void close() {
    CoordinatedShutdown.get(system)
        .runAll(CoordinatedShutdown.unknownReason())
        .toCompletableFuture()
        .join();
  }
}
