package io.kvasir.node.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.api.CheckpointSource;
import io.kvasir.actors.api.Kvasir;
import io.kvasir.actors.api.KvasirServer;
import io.kvasir.actors.settings.KvasirSettings;
import java.util.List;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.slf4j.LoggerFactory;

/** A whole node in this process on a free port of the loopback address, quiet, ready when made. */
final class BenchNode implements AutoCloseable {
  private final KvasirSettings settings;
  private final ActorSystem<Void> system;
  private final KvasirServer server;
  private final KvasirServer.Ready ready;

  /**
   * @param weights as {@code kvasir.runtime.weights} takes it
   */
  BenchNode(String model, String weights, int threads) {
    this(model, weights, threads, Map.of());
  }

  /**
   * @param weights as {@code kvasir.runtime.weights} takes it
   * @param changed other keys, before those of the profile
   */
  BenchNode(String model, String weights, int threads, Map<String, ?> changed) {
    Config config =
        ConfigFactory.parseMap(changed)
            .withFallback(
                ConfigFactory.parseMap(
                    Map.of(
                        "kvasir.runtime.model",
                        model,
                        "kvasir.runtime.weights",
                        weights,
                        "kvasir.runtime.threads",
                        threads,
                        "kvasir.actors.gateway.host",
                        "127.0.0.1",
                        "kvasir.actors.gateway.port",
                        0,
                        "pekko.loglevel",
                        "WARNING")))
            .withFallback(
                ConfigFactory.parseResources(
                    BenchNode.class.getClassLoader(), "io/kvasir/node/single.conf"))
            .withFallback(ConfigFactory.defaultReferenceUnresolved())
            .resolve();
    settings = KvasirSettings.from(config);
    if (LoggerFactory.getLogger("io.kvasir.request") instanceof Logger requests) {
      // A line for each request would be measured too.
      requests.setLevel(Level.WARN);
    }
    system = ActorSystem.create(Behaviors.empty(), "kvasir-bench", config);
    boolean started = false;
    try {
      server =
          Kvasir.start(system, settings, new CheckpointSource(settings.runtime()), List.of())
              .toCompletableFuture()
              .join();
      ready = server.ready().toCompletableFuture().join();
      started = true;
    } finally {
      if (!started) {
        system.terminate();
      }
    }
  }

  KvasirSettings settings() {
    return settings;
  }

  KvasirServer server() {
    return server;
  }

  KvasirServer.Ready ready() {
    return ready;
  }

  @Override
  public void close() {
    server.stop().toCompletableFuture().join();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
