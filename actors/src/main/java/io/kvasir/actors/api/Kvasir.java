package io.kvasir.actors.api;

import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.gateway.Exposure;
import io.kvasir.actors.gateway.Gateway;
import io.kvasir.actors.gateway.tls.ReloadingTls;
import io.kvasir.actors.gpu.Intake;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.schedule.Generations;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.RuntimeSettings;
import java.net.BindException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;

/** Starts a Kvasir node inside an actor system. */
public final class Kvasir {
  private Kvasir() {}

  /**
   * Serves the checkpoints that the settings name.
   *
   * @see #start(ActorSystem, KvasirSettings, List, List)
   */
  public static CompletionStage<KvasirServer> start(
      ActorSystem<?> system, KvasirSettings settings) {
    return start(system, settings, CheckpointSource.all(settings), List.of());
  }

  /** Serves one model from elsewhere. */
  public static CompletionStage<KvasirServer> start(
      ActorSystem<?> system, KvasirSettings settings, ModelSource model, List<Example> examples) {
    return start(system, settings, List.of(model), examples);
  }

  /**
   * Starts serving: binds the port at once and loads the models beside it, one after another, so
   * that liveness, readiness and refusals are answered from the first moment. A model that does not
   * load leaves the others serving.
   *
   * @param system whose dispatchers and config are used; it is not stopped with the server
   * @param settings usually {@code KvasirSettings.from(system.settings().config())}
   * @param sources where the models come from, in the order of the settings
   * @param examples offered by the page
   * @return the running server; fails with {@link ConfigurationException} when the port is taken, a
   *     PEM file cannot be used, or the node would be open to other machines without keys
   */
  public static CompletionStage<KvasirServer> start(
      ActorSystem<?> system,
      KvasirSettings settings,
      List<? extends ModelSource> sources,
      List<Example> examples) {
    checkSources(settings, sources);
    return front(settings)
        .thenCompose(
            tls -> {
              NodeModels models = NodeModels.load(system, settings, sources);
              int engineRoom = 0;
              for (RuntimeSettings model : settings.models()) {
                engineRoom += model.maxRunning() + model.maxWaiting();
              }
              return serve(
                  system,
                  settings,
                  tls.orElse(null),
                  models,
                  Generations.local(intake(system, settings, models)),
                  examples,
                  new NodeMetrics(models.ids()),
                  engineRoom,
                  () -> CompletableFuture.completedFuture(Done.getInstance()));
            });
  }

  static void checkSources(KvasirSettings settings, List<? extends ModelSource> sources) {
    if (sources.size() != settings.models().size()) {
      throw new IllegalArgumentException(
          "sources=%d for models=%d, give one of each"
              .formatted(sources.size(), settings.models().size()));
    }
  }

  /** What must hold before anything is loaded: keys where others can reach the node, TLS files. */
  static CompletionStage<Optional<ReloadingTls>> front(KvasirSettings settings) {
    try {
      Exposure.check(settings.gateway());
      return CompletableFuture.completedFuture(
          settings.gateway().tls().enabled()
              ? Optional.of(new ReloadingTls(settings.gateway().tls()))
              : Optional.empty());
    } catch (ConfigurationException refused) {
      return CompletableFuture.failedFuture(refused);
    }
  }

  /** How orders get onto the node's own devices. */
  static Intake intake(ActorSystem<?> system, KvasirSettings settings, NodeModels models) {
    return new Intake(
        system, settings.gateway().askTimeout(), workers(system, settings), models.served()::find);
  }

  /** Where parsing, grammars and keys are worked on. */
  static Executor workers(ActorSystem<?> system, KvasirSettings settings) {
    return system
        .dispatchers()
        .lookup(DispatcherSelector.fromConfig(settings.gateway().workerDispatcher()));
  }

  /**
   * Binds the gateway before models.
   *
   * @param metrics closed with the server
   * @param engineRoom requests that can be run and queued behind it
   * @param beforeDevices ends what uses the devices, when the last answer has ended
   */
  static CompletionStage<KvasirServer> serve(
      ActorSystem<?> system,
      KvasirSettings settings,
      ReloadingTls tls,
      NodeModels models,
      Generations generations,
      List<Example> examples,
      NodeMetrics metrics,
      int engineRoom,
      Supplier<CompletionStage<Done>> beforeDevices) {
    return Gateway.bind(
            system,
            settings.gateway(),
            tls,
            models.served(),
            generations,
            examples,
            metrics,
            engineRoom)
        .handle(
            (gateway, failure) -> {
              if (failure != null) {
                models.stop();
                metrics.close();
                throw bindFailure(settings, failure);
              }
              return new KvasirServer(
                  settings, gateway, models, generations, metrics, beforeDevices);
            });
  }

  static String sentence(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  private static RuntimeException bindFailure(KvasirSettings settings, Throwable failure) {
    Throwable cause = failure;
    while (cause != null && !(cause instanceof BindException)) {
      cause = cause.getCause();
    }
    String key = "kvasir.actors.gateway";
    return new ConfigurationException(
        cause != null
            ? "%s.port=%d on host %s cannot be bound (%s); choose another with --port, or 0 for any free one"
                .formatted(
                    key, settings.gateway().port(), settings.gateway().host(), cause.getMessage())
            : "%s.host=%s port=%d cannot be bound (%s); set a host of this machine with --host"
                .formatted(
                    key, settings.gateway().host(), settings.gateway().port(), sentence(failure)));
  }
}
