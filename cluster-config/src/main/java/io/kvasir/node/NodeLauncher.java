package io.kvasir.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.actors.api.CheckpointSource;
import io.kvasir.actors.api.Kvasir;
import io.kvasir.actors.api.KvasirServer;
import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.node.cluster.PekkoVersions;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** Runs one node in this process until it is told to stop. Main thread. */
final class NodeLauncher implements AutoCloseable {
  private final ActorSystem<Void> system;
  private final KvasirServer server;

  private NodeLauncher(ActorSystem<Void> system, KvasirServer server) {
    this.system = system;
    this.server = server;
  }

  /**
   * Listens, and returns when every model is loaded or has failed to.
   *
   * @throws RuntimeException with its sentence when the port is taken or no model loads; nothing is
   *     left running then
   */
  static NodeLauncher start(Config config, List<Example> examples) {
    JvmCheck.run();
    NodeLogging.apply(config);
    KvasirSettings settings = KvasirSettings.from(config);
    ActorSystem<Void> system =
        ActorSystem.create(Behaviors.empty(), "kvasir", shutdown(config, settings));
    NodeLauncher node = null;
    try {
      PekkoVersions.check(system);
      KvasirServer server =
          Kvasir.start(system, settings, CheckpointSource.all(settings), examples)
              .toCompletableFuture()
              .join();
      NodeLauncher launched = new NodeLauncher(system, server);
      CoordinatedShutdown.get(system)
          .addTask(
              CoordinatedShutdown.PhaseServiceUnbind(),
              "stop-kvasir",
              () -> server.stop().thenApply(stopped -> Done.getInstance()));
      server.ready().toCompletableFuture().join();
      node = launched;
      return launched;
    } finally {
      if (node == null) {
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().join();
      }
    }
  }

  /** Pekko would go on after 5 s with answers still running. */
  private static Config shutdown(Config config, KvasirSettings settings) {
    Duration drain = settings.gateway().stopTimeout().plus(settings.gateway().askTimeout());
    return config.withValue(
        "pekko.coordinated-shutdown.phases."
            + CoordinatedShutdown.PhaseServiceUnbind()
            + ".timeout",
        ConfigValueFactory.fromAnyRef(drain.plusSeconds(5)));
  }

  KvasirServer server() {
    return server;
  }

  /** Ids of the models that are ready. */
  List<String> loaded() {
    return server.modelNames().stream().filter(id -> failure(id) == null).toList();
  }

  /** One sentence for each model that could not be loaded. */
  List<String> failures() {
    return server.modelNames().stream()
        .filter(id -> failure(id) != null)
        .map(id -> "Not served: " + id + ", " + failure(id))
        .toList();
  }

  private String failure(String id) {
    return server
        .ready(id)
        .handle(
            (ready, failure) -> {
              Throwable cause =
                  failure instanceof CompletionException && failure.getCause() != null
                      ? failure.getCause()
                      : failure;
              return cause == null
                  ? null
                  : Objects.requireNonNullElse(cause.getMessage(), cause.toString());
            })
        .toCompletableFuture()
        .join();
  }

  /** Time since this JVM began. */
  static Duration sinceStart() {
    return Duration.ofMillis(
        System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime());
  }

  /** Returns when the node was stopped, usually by a signal. */
  void awaitEnd() {
    system.getWhenTerminated().toCompletableFuture().join();
  }

  @Override
  public void close() {
    CoordinatedShutdown.get(system)
        .runAll(CoordinatedShutdown.unknownReason())
        .toCompletableFuture()
        .join();
  }
}
