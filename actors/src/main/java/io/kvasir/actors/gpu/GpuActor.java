package io.kvasir.actors.gpu;

import io.kvasir.actors.settings.GpuSettings;
import io.kvasir.actors.tier.BlockFetcher;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.LogitAdjuster;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Owns the engine of one device. It loads it on the loader dispatcher (Loading → Ready or Failed),
 * hands requests to it without waiting, and closes it when it stops. Tokens do not pass through its
 * mailbox: an accepted request's {@link Generation} carries them.
 */
public final class GpuActor extends AbstractMatchingBehavior<GpuActor.Command> {
  /** What it understands. */
  public sealed interface Command
      permits Generate,
          Embed,
          Cancel,
          CancelChoice,
          GetStats,
          AwaitReady,
          Stop,
          EngineOpened,
          EngineClosed,
          AttachDeadline {}

  /**
   * Takes a request.
   *
   * @param adjusters of choice 0, after what the sampling asks for
   * @param fetched blocks of the prompt that were brought here; their pins go to the engine, or are
   *     closed when it declines
   * @param serving what its generation tells of itself
   */
  public record Generate(
      GenerationOrder order,
      List<LogitAdjuster> adjusters,
      BlockFetcher.Fetched fetched,
      Serving serving,
      ActorRef<GenerateReply> replyTo)
      implements Command {
    public Generate {
      adjusters = List.copyOf(adjusters);
    }

    /** A request whose blocks nobody looked for elsewhere. */
    public Generate(GenerationOrder order, ActorRef<GenerateReply> replyTo) {
      this(
          order,
          List.of(),
          new BlockFetcher.Fetched(List.of(), List.of(), Map.of(), List.of()),
          Serving.HERE,
          replyTo);
    }

    private void declined(GenerateReply reply) {
      fetched.pins().forEach(BlockPin::close);
      replyTo.tell(reply);
    }
  }

  /** Takes an input to be embedded. */
  public record Embed(EmbeddingOrder order, ActorRef<EmbedReply> replyTo) implements Command {}

  /** Ends a request; unknown ids are ignored. */
  public record Cancel(long generationId) implements Command {}

  /** Ends one choice of a request. */
  public record CancelChoice(long generationId, int choice) implements Command {}

  /** Asks for the engine's counters. */
  public record GetStats(ActorRef<Stats> replyTo) implements Command {}

  /** Asks to be told once when loading has ended, well or not. */
  public record AwaitReady(ActorRef<Readiness> replyTo) implements Command {}

  /** Ends the actor and its engine; answered when the engine is closed. */
  public record Stop(ActorRef<Done> replyTo) implements Command {}

  private record EngineOpened(GenerationEngine engine, Throwable failure) implements Command {}

  private record EngineClosed(ActorRef<Done> replyTo) implements Command {}

  private record AttachDeadline(LocalGeneration generation) implements Command {}

  /** Answers {@link Generate}. */
  public sealed interface GenerateReply {}

  /** The engine has the request; the receiver runs its stream. */
  public record Accepted(LocalGeneration generation) implements GenerateReply {}

  /** Answers {@link Embed}. */
  public sealed interface EmbedReply {}

  /** The engine has the input. */
  public record Embeds(LocalEmbedding embedding) implements EmbedReply {}

  /** The engine declined. */
  public record Refused(Refusal refusal) implements GenerateReply, EmbedReply {}

  /** There is no engine: still loading, or failed to load. */
  public record Unavailable(Readiness readiness) implements GenerateReply, EmbedReply {}

  /** Answers {@link GetStats}; {@code engine} is null until ready. */
  public record Stats(Readiness readiness, EngineStats engine) {}

  /** State of the device. */
  public sealed interface Readiness {}

  /** Weights are being loaded. */
  public record Loading() implements Readiness {}

  /** Requests are taken. */
  public record Ready(GenerationEngine engine, int maxContextTokens) implements Readiness {}

  /** Loading failed; {@code reason} is one sentence. */
  public record Failed(String reason) implements Readiness {}

  private final GpuSettings settings;
  private final Executor loader;
  private final List<ActorRef<Readiness>> waiting = new ArrayList<>();
  private final StepReaders readers;
  private Readiness readiness = new Loading();
  private GenerationEngine engine;
  private long nextId = 1;
  // Written by the actor, read by the loader: an engine that arrives after the end has no owner.
  private final AtomicBoolean stopped = new AtomicBoolean();

  /** A device whose engine comes from {@code factory}, at once. */
  public static Behavior<Command> create(GpuSettings settings, EngineFactory factory) {
    return create(settings, factory, CompletableFuture.completedFuture(null));
  }

  /**
   * The same when it is its turn.
   *
   * @param turn completes when loading may begin; its failure is that of the device
   */
  public static Behavior<Command> create(
      GpuSettings settings, EngineFactory factory, CompletionStage<?> turn) {
    return Behaviors.setup(context -> new GpuActor(context, settings, factory, turn));
  }

  private GpuActor(
      ActorContext<Command> context,
      GpuSettings settings,
      EngineFactory factory,
      CompletionStage<?> turn) {
    super(context);
    this.settings = settings;
    this.readers =
        new StepReaders(
            context.getExecutionContext(),
            StepReaders.gapNs(settings.eventsPerCore(), Runtime.getRuntime().availableProcessors()),
            System::nanoTime);
    this.loader =
        context
            .getSystem()
            .dispatchers()
            .lookup(DispatcherSelector.fromConfig(settings.loaderDispatcher()));
    context.pipeToSelf(turn.thenApplyAsync(begun -> open(factory), loader), EngineOpened::new);
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    return switch (message) {
      case Generate generate -> onGenerate(generate);
      case Embed embed -> onEmbed(embed);
      case Cancel cancel -> onCancel(cancel.generationId());
      case CancelChoice cancel -> onCancelChoice(cancel);
      case GetStats ask -> onGetStats(ask);
      case AwaitReady ask -> onAwaitReady(ask);
      case Stop stop -> onStop(stop);
      case EngineOpened opened -> onEngineOpened(opened);
      case EngineClosed closed -> onEngineClosed(closed.replyTo());
      case AttachDeadline deadline -> onAttachDeadline(deadline.generation());
    };
  }

  private Behavior<Command> onGenerate(Generate generate) {
    if (engine == null) {
      generate.declined(new Unavailable(readiness));
      return this;
    }
    GenerationOrder order = generate.order();
    LocalGeneration generation;
    try {
      generation =
          new LocalGeneration(
              nextId++,
              getContext().getSelf(),
              generate,
              engine.vocabSize(),
              engine.fingerprint(),
              readers);
    } catch (IllegalArgumentException tooMuch) {
      generate.declined(
          new Refused(new Refusal(Refusal.Code.INVALID, tooMuch.getMessage(), false)));
      return this;
    }
    Refusal refusal =
        engine.submit(
            new GenerationRequest(
                generation.id(),
                order.tenant(),
                order.promptTokens(),
                order.sampling(),
                order.timeout().toNanos(),
                List.of(),
                generate.adjusters(),
                generation.streams(),
                generate.fetched().pins(),
                generate.fetched().loaded()));
    if (refusal != null) {
      generate.declined(new Refused(refusal));
      return this;
    }
    generate.replyTo().tell(new Accepted(generation));
    // The asker may have given up meanwhile; nobody would then read or cancel what it ordered.
    getContext()
        .scheduleOnce(
            settings.attachTimeout(), getContext().getSelf(), new AttachDeadline(generation));
    return this;
  }

  private Behavior<Command> onEmbed(Embed embed) {
    if (engine == null) {
      embed.replyTo().tell(new Unavailable(readiness));
      return this;
    }
    EmbeddingOrder order = embed.order();
    LocalEmbedding embedding =
        new LocalEmbedding(
            nextId++, getContext().getSelf(), order.pooling(), getContext().getExecutionContext());
    Refusal refusal =
        engine.submit(
            GenerationRequest.pooling(
                embedding.id(),
                order.tenant(),
                order.tokens(),
                order.timeout().toNanos(),
                embedding.stream()));
    embed.replyTo().tell(refusal == null ? new Embeds(embedding) : new Refused(refusal));
    return this;
  }

  private Behavior<Command> onAttachDeadline(LocalGeneration generation) {
    return generation.isTaken() ? this : onCancel(generation.id());
  }

  private Behavior<Command> onCancel(long generationId) {
    if (engine != null) {
      engine.cancel(generationId);
    }
    return this;
  }

  private Behavior<Command> onCancelChoice(CancelChoice cancel) {
    if (engine != null) {
      engine.cancel(cancel.generationId(), cancel.choice());
    }
    return this;
  }

  private Behavior<Command> onGetStats(GetStats ask) {
    ask.replyTo().tell(new Stats(readiness, engine == null ? null : engine.stats()));
    return this;
  }

  private Behavior<Command> onAwaitReady(AwaitReady ask) {
    if (readiness instanceof Loading) {
      waiting.add(ask.replyTo());
    } else {
      ask.replyTo().tell(readiness);
    }
    return this;
  }

  private Behavior<Command> onEngineOpened(EngineOpened opened) {
    if (stopped.get()) {
      return this;
    }
    if (opened.failure() == null) {
      engine = opened.engine();
      engine.wakeTogether(readers);
      readiness = new Ready(engine, engine.maxContextTokens());
    } else {
      Throwable cause = rootOf(opened.failure());
      String sentence = cause.getMessage() == null ? cause.toString() : cause.getMessage();
      getContext().getLog().error("model could not be loaded: {}", sentence);
      getContext().getLog().debug("model could not be loaded", cause);
      readiness = new Failed(sentence);
    }
    waiting.forEach(replyTo -> replyTo.tell(readiness));
    waiting.clear();
    return this;
  }

  private Behavior<Command> onStop(Stop stop) {
    stopped.set(true);
    GenerationEngine closing = engine;
    engine = null;
    readiness = new Failed("the node is stopping");
    if (closing == null) {
      return onEngineClosed(stop.replyTo());
    }
    // An engine ends with the step it is in.
    getContext()
        .pipeToSelf(
            CompletableFuture.runAsync(closing::close, loader),
            (nothing, failure) -> new EngineClosed(stop.replyTo()));
    return this;
  }

  private Behavior<Command> onEngineClosed(ActorRef<Done> replyTo) {
    replyTo.tell(Done.getInstance());
    return Behaviors.stopped();
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    if (signal instanceof PostStop && engine != null) {
      // The whole system ends: its dispatchers no longer take work, and this thread must not wait.
      stopped.set(true);
      Thread.ofPlatform().name("kvasir-engine-close").start(engine::close);
      engine = null;
    }
    return this;
  }

  private static Throwable rootOf(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? rootOf(failure.getCause())
        : failure;
  }

  private GenerationEngine open(EngineFactory factory) {
    if (stopped.get()) {
      throw new IllegalStateException("the node stopped before it was this model's turn to load");
    }
    try {
      GenerationEngine opened = factory.open();
      if (stopped.get()) {
        opened.close();
      }
      return opened;
    } catch (Exception failure) {
      throw new CompletionException(failure);
    }
  }
}
