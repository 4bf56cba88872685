package io.kvasir.actors.api;

import io.kvasir.actors.gateway.Gateway;
import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.gateway.ServedModel;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.GenerationEngine;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/** A running node. Safe from any thread; whoever started it stops it. */
public final class KvasirServer {
  /**
   * What can be used once the model is loaded.
   *
   * @param engine owned by the node; for measurements and in-process use, not to be closed
   */
  public record Ready(GenerationEngine engine, ModelText text, int maxContextTokens) {}

  // For the errors of requests that the engine's end cut short, and for clients to hang up.
  private static final Duration LAST_WORDS = Duration.ofSeconds(1);

  private final AtomicReference<CompletableFuture<Done>> stopping = new AtomicReference<>();
  private final ActorSystem<?> system;
  private final KvasirSettings settings;
  private final Gateway gateway;
  private final ServedModel model;
  private final ModelSource source;
  private final NodeMetrics metrics;
  private final CompletableFuture<Ready> ready;

  KvasirServer(
      ActorSystem<?> system,
      KvasirSettings settings,
      Gateway gateway,
      ServedModel model,
      ModelSource source,
      NodeMetrics metrics,
      CompletableFuture<Ready> ready) {
    this.system = system;
    this.settings = settings;
    this.gateway = gateway;
    this.model = model;
    this.source = source;
    this.metrics = metrics;
    this.ready = ready;
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

  /** The model id that clients name. */
  public String modelName() {
    return model.id();
  }

  /** Completes when requests can be made; fails with {@link ModelLoadException} or the like. */
  public CompletionStage<Ready> ready() {
    return ready.minimalCompletionStage();
  }

  /**
   * Generates in this process, past HTTP, through the same actor.
   *
   * @return the accepted generation, whose {@link Generation#events()} the caller runs once; fails
   *     with {@link IllegalStateException} naming the reason when it is refused
   */
  public CompletionStage<Generation> generate(GenerationOrder order) {
    CompletionStage<GpuActor.GenerateReply> reply =
        AskPattern.ask(
            model.gpu(),
            replyTo -> new GpuActor.Generate(order, replyTo),
            settings.gateway().askTimeout(),
            system.scheduler());
    return reply.thenApply(
        answer ->
            switch (answer) {
              case GpuActor.Accepted accepted -> accepted.generation();
              case GpuActor.Refused refused ->
                  throw new IllegalStateException(refused.refusal().message());
              case GpuActor.Unavailable unavailable ->
                  throw new IllegalStateException("the model is not ready: " + unavailable);
            });
  }

  /**
   * Stops: new requests get 503 and the node is not ready; running answers have the stop timeout to
   * end, then the engine is closed, which ends the rest with an error of their own; then the port
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
        .thenCompose(ended -> stopDevice(system, model.gpu(), settings.gateway().askTimeout()))
        .thenCompose(ended -> gateway.awaitEmpty(LAST_WORDS))
        .thenCompose(ended -> gateway.close(LAST_WORDS))
        .whenComplete(
            (done, failure) -> {
              metrics.close();
              source.close();
              first.complete(Done.getInstance());
            });
    return first.minimalCompletionStage();
  }

  static CompletionStage<Done> stopDevice(
      ActorSystem<?> system, ActorRef<GpuActor.Command> gpu, Duration timeout) {
    CompletionStage<Done> stopped =
        AskPattern.ask(gpu, GpuActor.Stop::new, timeout, system.scheduler());
    return stopped.exceptionally(late -> Done.getInstance());
  }
}
