package io.kvasir.actors.gpu;

import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.tier.BlockFetcher;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.Usage;
import io.kvasir.runtime.engine.grammar.GrammarRefusedException;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * How an order gets onto a device of this node, whoever gives it: grammar compiled, blocks fetched
 * where that beats computing them, engine asked. Any thread; nothing blocks.
 */
public final class Intake {
  /**
   * The tiers of one model.
   *
   * @param deadline in which loads must be done; what is not is computed
   */
  private record Tiers(KeyScheme keys, BlockFetcher fetcher, Duration deadline) {}

  private static final BlockFetcher.Fetched NOTHING =
      new BlockFetcher.Fetched(List.of(), List.of(), Map.of(), List.of());

  /** Fewer rows say more about fixed costs than about the rate. */
  private static final int MIN_MEASURED_ROWS = 32;

  private final ActorSystem<?> system;
  private final Duration askTimeout;
  private final Executor workers;
  private final Function<String, ? extends DeviceModel> models;
  private final Map<String, Tiers> tiers = new ConcurrentHashMap<>();
  // Owners of pins; the engine's own requests have positive ids.
  private final AtomicLong owners = new AtomicLong(-1);

  /**
   * @param workers where grammars are compiled and keys hashed
   * @param models by id; null where the node has none of that id
   */
  public Intake(
      ActorSystem<?> system,
      Duration askTimeout,
      Executor workers,
      Function<String, ? extends DeviceModel> models) {
    this.system = system;
    this.askTimeout = askTimeout;
    this.workers = workers;
    this.models = models;
  }

  /**
   * Lets a model's prompts be looked for in tiers before they are computed.
   *
   * @param deadline in which loads must be done; what is not is computed
   */
  public void fetch(String model, KeyScheme keys, BlockFetcher fetcher, Duration deadline) {
    tiers.put(model, new Tiers(keys, fetcher, deadline));
  }

  /** A prompt of the model was answered; its tiers learn what computing costs here. */
  public void answered(String model, Usage usage) {
    Tiers from = tiers.get(model);
    long durationNs = usage.firstTokenNs() - usage.queuedNs();
    int rows = usage.recomputedTokens();
    if (from != null && rows >= MIN_MEASURED_ROWS && usage.firstTokenNs() > 0 && durationNs > 0) {
      from.fetcher().computed(usage.promptTokens() - rows, usage.promptTokens(), durationNs);
    }
  }

  /**
   * Orders from the model's device.
   *
   * @return fails with {@link OrderRefusedException}
   */
  public CompletionStage<LocalGeneration> take(String model, GenerationOrder order) {
    DeviceModel served;
    try {
      served = device(model);
    } catch (OrderRefusedException refused) {
      return CompletableFuture.failedFuture(refused);
    }
    CompletionStage<List<LogitAdjuster>> masks = masks(served, order.grammar());
    return masks.thenCompose(
        adjusters ->
            fetched(model, order)
                .thenCompose(fetched -> generate(served, order, adjusters, fetched)));
  }

  /**
   * The same for an input to be embedded.
   *
   * @return fails with {@link OrderRefusedException}
   */
  public CompletionStage<LocalEmbedding> take(String model, EmbeddingOrder order) {
    DeviceModel served;
    try {
      served = device(model);
    } catch (OrderRefusedException refused) {
      return CompletableFuture.failedFuture(refused);
    }
    CompletionStage<GpuActor.EmbedReply> reply =
        AskPattern.ask(
            served.gpu(),
            replyTo -> new GpuActor.Embed(order, replyTo),
            askTimeout,
            system.scheduler());
    return reply.thenApply(
        answer ->
            switch (answer) {
              case GpuActor.Embeds taken -> taken.embedding();
              case GpuActor.Refused refused -> throw refusal(refused.refusal());
              case GpuActor.Unavailable unavailable -> throw unavailable(unavailable.readiness());
            });
  }

  private DeviceModel device(String model) {
    DeviceModel served = models.apply(model);
    if (served == null || served.gpu() == null) {
      throw new OrderRefusedException(
          Code.NO_NODE, "the model " + model + " is not computed on this node, use another one");
    }
    return served;
  }

  private CompletionStage<List<LogitAdjuster>> masks(DeviceModel served, GrammarSpec grammar) {
    if (grammar == null) {
      return CompletableFuture.completedFuture(List.of());
    }
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return List.of(served.mask(grammar));
          } catch (GrammarRefusedException refused) {
            throw new OrderRefusedException(Code.GRAMMAR, refused.getMessage());
          }
        },
        workers);
  }

  private CompletionStage<BlockFetcher.Fetched> fetched(String model, GenerationOrder order) {
    Tiers from = tiers.get(model);
    int[] prompt = order.promptTokens();
    // A prompt whose log-probabilities are wanted is computed as a whole.
    boolean whole = order.sampling().promptLogprobs() != SamplingParameters.NO_LOGPROBS;
    if (from == null || whole || prompt.length < from.keys().slots()) {
      return CompletableFuture.completedFuture(NOTHING);
    }
    return CompletableFuture.supplyAsync(
            () -> from.keys().keys(order.tenant(), prompt, prompt.length), workers)
        .thenCompose(
            keys ->
                from.fetcher()
                    .fetch(
                        new BlockFetcher.Order(
                            owners.getAndDecrement(),
                            prompt.length,
                            keys,
                            from.deadline(),
                            order.directions().sources(),
                            order.holdings())))
        // It never fails by contract; if it does the prompt is computed (law 7).
        .exceptionally(broken -> NOTHING);
  }

  private CompletionStage<LocalGeneration> generate(
      DeviceModel served,
      GenerationOrder order,
      List<LogitAdjuster> adjusters,
      BlockFetcher.Fetched fetched) {
    Serving serving =
        new Serving(
            "",
            1,
            0,
            fetched.misses(),
            order.explained() ? fetched.explained() : List.of(),
            List.of());
    CompletionStage<GpuActor.GenerateReply> reply =
        AskPattern.ask(
            served.gpu(),
            replyTo -> new GpuActor.Generate(order, adjusters, fetched, serving, replyTo),
            askTimeout,
            system.scheduler());
    return reply.thenApply(
        answer ->
            switch (answer) {
              case GpuActor.Accepted accepted -> accepted.generation();
              case GpuActor.Refused refused -> throw refusal(refused.refusal());
              case GpuActor.Unavailable unavailable -> throw unavailable(unavailable.readiness());
            });
  }

  private static OrderRefusedException refusal(Refusal refusal) {
    return new OrderRefusedException(
        switch (refusal.code()) {
          case QUEUE_FULL -> Code.QUEUE_FULL;
          case CONTEXT_OVERFLOW -> Code.CONTEXT_OVERFLOW;
          case INVALID -> Code.INVALID;
          case CLOSED -> Code.CLOSED;
        },
        refusal.message());
  }

  private static OrderRefusedException unavailable(GpuActor.Readiness readiness) {
    return readiness instanceof GpuActor.Failed failed
        ? new OrderRefusedException(Code.MODEL_FAILED, failed.reason())
        : new OrderRefusedException(
            Code.LOADING, "the model is still loading, try again in a few seconds");
  }
}
