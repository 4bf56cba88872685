package io.kvasir.actors.api;

import io.kvasir.actors.gateway.Gateway;
import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.schedule.Generations;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.GenerationEngine;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.apache.pekko.Done;

/** A running node. Safe from any thread; whoever started it stops it. */
public final class KvasirServer {
  /**
   * What can be used once the model is loaded.
   *
   * @param engine owned by the node; for measurements and in-process use, not to be closed; null
   *     where other nodes compute
   */
  public record Ready(GenerationEngine engine, ModelText text, int maxContextTokens) {}

  // For the errors of requests that the engine's end cut short, and for clients to hang up.
  private static final Duration LAST_WORDS = Duration.ofSeconds(1);

  private final AtomicReference<CompletableFuture<Done>> stopping = new AtomicReference<>();
  private final KvasirSettings settings;
  private final Gateway gateway;
  private final NodeModels models;
  private final Generations generations;
  private final NodeMetrics metrics;
  private final Supplier<CompletionStage<Done>> beforeDevices;

  /**
   * @param beforeDevices ends what uses the devices, when the last answer has ended
   */
  KvasirServer(
      KvasirSettings settings,
      Gateway gateway,
      NodeModels models,
      Generations generations,
      NodeMetrics metrics,
      Supplier<CompletionStage<Done>> beforeDevices) {
    this.settings = settings;
    this.gateway = gateway;
    this.models = models;
    this.generations = generations;
    this.metrics = metrics;
    this.beforeDevices = beforeDevices;
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return gateway.address();
  }

  /** What clients put before {@code /v1}. */
  public String url() {
    InetSocketAddress address = address();
    String host = address.getAddress().getHostAddress();
    if (address.getAddress().isAnyLocalAddress()) {
      host = "127.0.0.1";
    }
    return gateway.scheme()
        + "://"
        + (host.indexOf(':') >= 0 ? "[" + host + "]" : host)
        + ":"
        + address.getPort();
  }

  /** The id of the first model, as clients name it. */
  public String modelName() {
    return modelNames().getFirst();
  }

  /** The ids of all models, in the order of the configuration. */
  public List<String> modelNames() {
    return models.ids();
  }

  /**
   * Completes when every model is loaded or has failed to: with the first that is loaded. Fails,
   * with {@link ModelLoadException} or the like of the first model, when none is.
   */
  public CompletionStage<Ready> ready() {
    return models.ready();
  }

  /**
   * Completes when requests can be made to one model.
   *
   * @param model its id
   * @return fails with {@link ModelLoadException} or the like
   * @throws IllegalArgumentException when the node has no such model
   */
  public CompletionStage<Ready> ready(String model) {
    return models.ready(model);
  }

  /**
   * Generates with the first model past HTTP, wherever the node's own requests would be computed.
   *
   * @return the accepted generation, whose {@link Generation#events()} the caller runs once; fails
   *     with {@link io.kvasir.actors.gpu.OrderRefusedException} when nobody takes it
   */
  public CompletionStage<? extends Generation> generate(GenerationOrder order) {
    return generations.order(modelName(), order);
  }

  /**
   * Stops: new requests get 503 and the node is not ready; running answers have the stop timeout to
   * end, then the engines are closed, which ends the rest with an error of their own; then the port
   * is closed. Idempotent.
   */
  public CompletionStage<Done> stop() {
    CompletableFuture<Done> first = new CompletableFuture<>();
    if (!stopping.compareAndSet(null, first)) {
      return stopping.get().minimalCompletionStage();
    }
    gateway.beginDrain();
    gateway
        .awaitEmpty(settings.gateway().stopTimeout())
        .thenCompose(ended -> beforeDevices.get())
        .thenCompose(ended -> models.stop())
        .thenCompose(ended -> gateway.awaitEmpty(LAST_WORDS))
        .thenCompose(ended -> gateway.close(LAST_WORDS))
        .whenComplete(
            (done, failure) -> {
              metrics.close();
              models.close();
              first.complete(Done.getInstance());
            });
    return first.minimalCompletionStage();
  }
}
