package io.kvasir.actors.api;

import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.gateway.Exposure;
import io.kvasir.actors.gateway.Gateway;
import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.gateway.ServedModel;
import io.kvasir.actors.gateway.tls.ReloadingTls;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import java.net.BindException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/** Starts a Kvasir node inside an actor system. */
public final class Kvasir {
  private static final AtomicLong NODES = new AtomicLong();
  private static final java.time.Duration LOADING = java.time.Duration.ofHours(6);

  private Kvasir() {}

  /**
   * Serves the checkpoint that the settings name.
   *
   * @see #start(ActorSystem, KvasirSettings, ModelSource, List)
   */
  public static CompletionStage<KvasirServer> start(
      ActorSystem<?> system, KvasirSettings settings) {
    return start(system, settings, new CheckpointSource(settings.runtime()), List.of());
  }

  /**
   * Starts serving: binds the port at once and loads the model beside it, so that liveness,
   * readiness and refusals are answered from the first moment.
   *
   * @param system whose dispatchers and config are used; it is not stopped with the server
   * @param settings usually {@code KvasirSettings.from(system.settings().config())}
   * @param model where the model comes from
   * @param examples offered by the page
   * @return the running server; fails with {@link ConfigurationException} when the port is taken, a
   *     PEM file cannot be used, or the node would be open to other machines without keys
   */
  public static CompletionStage<KvasirServer> start(
      ActorSystem<?> system, KvasirSettings settings, ModelSource model, List<Example> examples) {
    ReloadingTls tls;
    try {
      Exposure.check(settings.gateway());
      tls = settings.gateway().tls().enabled() ? new ReloadingTls(settings.gateway().tls()) : null;
    } catch (ConfigurationException refused) {
      return CompletableFuture.failedFuture(refused);
    }
    ActorRef<GpuActor.Command> gpu =
        system.systemActorOf(
            GpuActor.create(settings.gpu(), model::openEngine),
            "kvasir-gpu-" + NODES.incrementAndGet(),
            Props.empty());
    ServedModel served =
        new ServedModel(settings.runtime().modelId(), System.currentTimeMillis() / 1000, gpu);
    NodeMetrics metrics = new NodeMetrics(served.id());
    CompletableFuture<KvasirServer.Ready> ready =
        load(system, settings, model, gpu, served).toCompletableFuture();
    int engineRoom = settings.runtime().maxRunning() + settings.runtime().maxWaiting();
    return Gateway.bind(system, settings.gateway(), tls, served, examples, metrics, engineRoom)
        .handle(
            (gateway, failure) -> {
              if (failure != null) {
                KvasirServer.stopDevice(system, gpu, settings.gateway().askTimeout());
                metrics.close();
                throw bindFailure(settings, failure);
              }
              return new KvasirServer(system, settings, gateway, served, model, metrics, ready);
            });
  }

  private static CompletionStage<KvasirServer.Ready> load(
      ActorSystem<?> system,
      KvasirSettings settings,
      ModelSource model,
      ActorRef<GpuActor.Command> gpu,
      ServedModel served) {
    Executor loader =
        system
            .dispatchers()
            .lookup(DispatcherSelector.fromConfig(settings.gpu().loaderDispatcher()));
    CompletionStage<ModelText> text =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return model.openText();
              } catch (Exception failure) {
                throw new CompletionException(failure);
              }
            },
            loader);
    CompletionStage<GpuActor.Readiness> engine =
        AskPattern.ask(gpu, GpuActor.AwaitReady::new, LOADING, system.scheduler());
    return text.thenCombine(engine, (opened, readiness) -> settle(served, opened, readiness))
        .whenComplete(
            (ready, failure) -> {
              if (failure != null) {
                served.settle(new ServedModel.Failed(sentence(failure)));
              }
            });
  }

  private static KvasirServer.Ready settle(
      ServedModel served, ModelText text, GpuActor.Readiness readiness) {
    return switch (readiness) {
      case GpuActor.Ready device -> {
        served.settle(new ServedModel.Ready(text, device.maxContextTokens()));
        yield new KvasirServer.Ready(device.engine(), text, device.maxContextTokens());
      }
      case GpuActor.Failed failed -> throw new ModelLoadException(failed.reason());
      case GpuActor.Loading loading -> throw new IllegalStateException("told of loading as an end");
    };
  }

  private static String sentence(Throwable failure) {
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
