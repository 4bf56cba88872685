package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.gpu.Embedding;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.gpu.Intake;
import io.kvasir.actors.gpu.LocalEmbedding;
import io.kvasir.actors.gpu.LocalGeneration;
import io.kvasir.actors.gpu.OrderRefusedException;
import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.actors.timing.Pace;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.TokenStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * Computes for gateways, its own node's and others': begins attempts on the node's devices, sends
 * their tokens, ends what its gateway no longer wants, and reports the node's load to gateways that
 * watch. The rules of attempts and their leases are {@link AttemptTable}; this drives it. Longer
 * than most classes because each of its fifteen messages has its record and its method here.
 */
public final class GenerationService extends AbstractMatchingBehavior<ServiceCommand> {
  /** What it tells itself. */
  sealed interface Event extends ServiceCommand
      permits Took, TookInput, Ended, News, Tick, Stats, Drain {}

  private record Took(
      long requestId, int attempt, LocalGeneration generation, OrderRefusedException refused)
      implements Event {}

  private record TookInput(
      long requestId, int attempt, LocalEmbedding embedding, OrderRefusedException refused)
      implements Event {}

  private record Ended(long requestId, int attempt, Embedding.Result result) implements Event {}

  private record News(long requestId, int attempt) implements Event {}

  private record Tick() implements Event {
    static final Tick TICK = new Tick();
  }

  private record Stats(String model, GpuActor.Stats stats) implements Event {}

  private record Drain(long limitNs, ActorRef<Done> replyTo) implements Event {}

  /** The service of a running node. Safe from any thread. */
  public static final class Handle {
    private final ActorSystem<?> system;
    private final ActorRef<ServiceCommand> actor;

    private Handle(ActorSystem<?> system, ActorRef<ServiceCommand> actor) {
      this.system = system;
      this.actor = actor;
    }

    /** Where gateways send orders. */
    public ActorRef<GenerationMessage> ref() {
      return actor.narrow();
    }

    /**
     * Takes nothing new from now on. What runs has {@code limit} to end; then it is handed back to
     * its gateways, which go on elsewhere.
     *
     * @return completes when nothing is left, never fails
     */
    public CompletionStage<Done> drain(Duration limit) {
      CompletionStage<Done> drained =
          AskPattern.ask(
              actor,
              (ActorRef<Done> replyTo) -> new Drain(limit.toNanos(), replyTo),
              limit.plusSeconds(5),
              system.scheduler());
      return drained.exceptionally(late -> Done.getInstance());
    }
  }

  private static final Duration STATS_TIMEOUT = Duration.ofSeconds(5);
  private static final int MAX_ASSEMBLIES = 32;

  /** A gateway cannot ask for more than so many times what this node's own gateway would. */
  static final int LEASE_FACTOR = 10;

  private final ScheduleSettings settings;
  private final Pace<ServiceCommand> pace;
  private final ClusterView view;
  private final Intake intake;
  private final List<NodeDevice> devices;
  private final Slices slices;
  private final AttemptTable attempts;
  private final Map<Long, Slices.Assembly> assemblies = new HashMap<>();
  private final Set<String> asked = new HashSet<>();
  private final LoadReports loads;
  private boolean draining;
  private long drainUntilNs;
  private ActorRef<Done> drained;

  /** Starts it on this node. */
  public static Handle start(
      ActorSystem<?> system,
      ClusterView view,
      Intake intake,
      List<NodeDevice> devices,
      ScheduleSettings settings) {
    ActorRef<ServiceCommand> actor =
        system.systemActorOf(
            create(view, intake, devices, settings), "kvasir-generations", Props.empty());
    return new Handle(system, actor);
  }

  static Behavior<ServiceCommand> create(
      ClusterView view, Intake intake, List<NodeDevice> devices, ScheduleSettings settings) {
    Behavior<ServiceCommand> service =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers ->
                        new GenerationService(context, timers, view, intake, devices, settings)));
    // A message that cannot be worked on costs itself, not what others have under way.
    return Behaviors.supervise(service).onFailure(SupervisorStrategy.resume());
  }

  private GenerationService(
      ActorContext<ServiceCommand> context,
      TimerScheduler<ServiceCommand> timers,
      ClusterView view,
      Intake intake,
      List<NodeDevice> devices,
      ScheduleSettings settings) {
    super(context);
    this.view = view;
    this.intake = intake;
    this.devices = List.copyOf(devices);
    this.settings = settings;
    this.attempts =
        new AttemptTable(
            settings.maxRequests(),
            settings.renewInterval().toNanos(),
            LEASE_FACTOR * settings.lease().toNanos());
    this.slices = new Slices(context.getSystem());
    this.loads = new LoadReports(devices, settings.loadInterval().toNanos());
    this.pace =
        new Pace<>(timers, Tick.TICK, settings.tick(), settings.loadInterval().dividedBy(2));
  }

  @Override
  public Behavior<ServiceCommand> onMessage(ServiceCommand message) {
    long nowNs = System.nanoTime();
    switch (message) {
      case GenerationMessage.Start start -> onStart(start, nowNs);
      case GenerationMessage.Embed embed -> onEmbed(embed, nowNs);
      case GenerationMessage.Part part -> onPart(part, nowNs);
      case GenerationMessage.Renew renew -> onRenew(renew, nowNs);
      case GenerationMessage.Resend resend -> attempts.resend(resend, nowNs);
      case GenerationMessage.Cancel cancel -> onCancel(cancel);
      case GenerationMessage.CancelChoice cancel -> attempts.cancelChoice(cancel);
      case GenerationMessage.Watch watch -> onWatch(watch, nowNs);
      case Took took -> onTook(took, nowNs);
      case TookInput took -> onTookInput(took, nowNs);
      case Ended ended -> onEnded(ended, nowNs);
      case News news -> onNews(news, nowNs);
      case Tick tick -> onTick(nowNs);
      case Stats stats -> onStats(stats, nowNs);
      case Drain drain -> onDrain(drain, nowNs);
    }
    if (drained != null && attempts.isEmpty()) {
      drained.tell(Done.getInstance());
      drained = null;
    }
    if (isBusy()) {
      pace.busy();
    }
    return this;
  }

  private void onStart(GenerationMessage.Start start, long nowNs) {
    if (start.replyTo() == null) {
      return;
    }
    NodeAttempt attempt =
        new NodeAttempt(
            start.requestId(),
            start.attempt(),
            start.replyTo()::tell,
            start.model(),
            start.computeTokens(),
            attempts.leaseUntil(start.leaseMs(), nowNs),
            nowNs);
    if (!begin(attempt, start.fingerprint())) {
      return;
    }
    GenerationOrder order;
    try {
      order = WireOrders.of(start);
      checkLength(start.model(), order);
    } catch (OrderRefusedException tooLong) {
      refused(attempt, tooLong);
      return;
    } catch (RuntimeException malformed) {
      attempts.forget(attempt);
      attempt.refuse(Code.INVALID, "the order cannot be read: " + malformed.getMessage(), false);
      return;
    }
    getContext()
        .pipeToSelf(
            intake.take(start.model(), order),
            (generation, failure) ->
                new Took(start.requestId(), start.attempt(), generation, refusal(failure)));
  }

  /** Before arrays of max_tokens are made. */
  private void checkLength(String model, GenerationOrder order) {
    int promptTokens = order.promptTokens().length;
    int contextTokens = model(model).maxContextTokens();
    if ((long) promptTokens + order.sampling().maxTokens() > contextTokens) {
      throw new OrderRefusedException(
          Code.CONTEXT_OVERFLOW,
          "the context is %d tokens, the request needs %d for its prompt and %d for its answer, shorten one of them"
              .formatted(contextTokens, promptTokens, order.sampling().maxTokens()));
    }
  }

  private void onEmbed(GenerationMessage.Embed embed, long nowNs) {
    if (embed.replyTo() == null) {
      return;
    }
    NodeAttempt attempt =
        new NodeAttempt(
            embed.requestId(),
            embed.attempt(),
            embed.replyTo()::tell,
            embed.model(),
            embed.input() == null ? 0 : embed.input().length,
            attempts.leaseUntil(embed.leaseMs(), nowNs),
            nowNs);
    if (!begin(attempt, embed.fingerprint())) {
      return;
    }
    EmbeddingOrder order;
    try {
      order = WireOrders.of(embed);
    } catch (RuntimeException malformed) {
      attempts.forget(attempt);
      attempt.refuse(Code.INVALID, "the order cannot be read: " + malformed.getMessage(), false);
      return;
    }
    getContext()
        .pipeToSelf(
            intake.take(embed.model(), order),
            (embedding, failure) ->
                new TookInput(embed.requestId(), embed.attempt(), embedding, refusal(failure)));
  }

  /** Whether an attempt may be made; a refusal has been told. */
  private boolean begin(NodeAttempt attempt, String fingerprint) {
    ModelInfo served = model(attempt.model);
    if (served == null || !served.fingerprint().equals(fingerprint)) {
      attempt.refuse(
          Code.NO_NODE,
          "the model %s of fingerprint %s is not computed on this node"
              .formatted(attempt.model, fingerprint),
          true);
      return false;
    }
    if (draining) {
      attempt.refuse(Code.DRAINING, "the node is stopping and takes no new requests", true);
      return false;
    }
    return attempts.begin(attempt);
  }

  private ModelInfo model(String id) {
    return LoadBook.model(view.self(), id);
  }

  private void onPart(GenerationMessage.Part part, long nowNs) {
    Slices.Assembly assembly = assemblies.get(part.requestId());
    if (part.index() == 0) {
      if (assembly == null && assemblies.size() >= MAX_ASSEMBLIES) {
        // Silence makes the gateway try elsewhere.
        return;
      }
      assembly = slices.new Assembly(part, nowNs);
      assemblies.put(part.requestId(), assembly);
    }
    if (assembly == null || !assembly.add(part)) {
      assemblies.remove(part.requestId());
      return;
    }
    if (!assembly.whole()) {
      return;
    }
    assemblies.remove(part.requestId());
    GenerationMessage whole;
    try {
      whole = assembly.message();
    } catch (RuntimeException malformed) {
      getContext().getLog().warn("an order in slices is dropped: {}", malformed.getMessage());
      return;
    }
    switch (whole) {
      case GenerationMessage.Start start -> onStart(start, nowNs);
      case GenerationMessage.Embed embed -> onEmbed(embed, nowNs);
      default -> {}
    }
  }

  private static OrderRefusedException refusal(Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return switch (cause) {
      case null -> null;
      case OrderRefusedException own -> own;
      default -> new OrderRefusedException(Code.CLOSED, "the device did not answer: " + cause);
    };
  }

  private void onTook(Took took, long nowNs) {
    if (took.generation() == null) {
      refused(attempts.live(took.requestId(), took.attempt(), nowNs), took.refused());
      return;
    }
    // Nobody else will read it, taken or not.
    ActorRef<ServiceCommand> self = getContext().getSelf();
    News news = new News(took.requestId(), took.attempt());
    NodeAttempt attempt =
        attempts.taken(took.requestId(), took.attempt(), took.generation(), nowNs);
    if (attempt == null) {
      return;
    }
    took.generation()
        .attach(
            () -> {
              if (attempt.wakeScheduled.compareAndSet(false, true)) {
                self.tell(news);
              }
            });
    attempt.accept();
    onNews(news, nowNs);
  }

  private void onTookInput(TookInput took, long nowNs) {
    NodeAttempt attempt = attempts.live(took.requestId(), took.attempt(), nowNs);
    if (took.embedding() == null) {
      refused(attempt, took.refused());
      return;
    }
    if (attempt == null) {
      took.embedding().cancel();
      return;
    }
    attempt.taken(took.embedding());
    attempt.accept();
    getContext()
        .pipeToSelf(
            took.embedding().result(),
            (result, failure) -> new Ended(took.requestId(), took.attempt(), result));
  }

  private void refused(NodeAttempt attempt, OrderRefusedException refusal) {
    if (attempt != null) {
      attempts.forget(attempt);
      attempt.refuse(refusal.code(), refusal.getMessage(), refusal.elsewhere());
    }
  }

  private void onEnded(Ended ended, long nowNs) {
    NodeAttempt attempt = attempts.live(ended.requestId(), ended.attempt(), nowNs);
    if (attempt == null || ended.result() == null) {
      return;
    }
    attempts.forget(attempt);
    attempt.tell(WireOrders.embedded(ended.requestId(), ended.attempt(), ended.result()), nowNs);
  }

  private void onNews(News news, long nowNs) {
    NodeAttempt attempt = attempts.live(news.requestId(), news.attempt(), nowNs);
    if (attempts.news(news.requestId(), news.attempt(), nowNs)) {
      learn(attempt);
    }
  }

  private void learn(NodeAttempt attempt) {
    TokenStream first = attempt.streams().getFirst();
    FinishReason reason = first.finishReason();
    if (reason == FinishReason.STOP || reason == FinishReason.LENGTH) {
      loads.learn(attempt.model, first.usage());
      intake.answered(attempt.model, first.usage());
    }
  }

  private void onRenew(GenerationMessage.Renew renew, long nowNs) {
    Slices.Assembly assembly = assemblies.get(renew.requestId());
    boolean coming = assembly != null && assembly.attempt == renew.attempt();
    if (!coming && renew.replyTo() != null) {
      attempts.renew(renew, renew.replyTo()::tell, nowNs);
    }
  }

  private void onCancel(GenerationMessage.Cancel cancel) {
    attempts.cancel(cancel);
    assemblies.remove(cancel.requestId());
  }

  private boolean isBusy() {
    return !attempts.isEmpty() || !assemblies.isEmpty() || drained != null;
  }

  private void onTick(long nowNs) {
    attempts.tick(nowNs);
    assemblies.values().removeIf(assembly -> nowNs - assembly.leaseUntilNs >= 0);
    if (loads.expire(nowNs) && loads.due(!attempts.isEmpty(), nowNs)) {
      devices.forEach(this::askDevice);
    }
    if (drained != null && nowNs - drainUntilNs >= 0) {
      attempts.handBack();
    }
    pace.ticked(isBusy());
  }

  private void onWatch(GenerationMessage.Watch watch, long nowNs) {
    if (watch.replyTo() != null) {
      loads.watch(watch.replyTo(), attempts.leaseUntil(watch.watchMs(), nowNs));
    }
  }

  private void askDevice(NodeDevice device) {
    if (!asked.add(device.model())) {
      return;
    }
    CompletionStage<GpuActor.Stats> stats =
        AskPattern.ask(
            device.gpu(),
            GpuActor.GetStats::new,
            STATS_TIMEOUT,
            getContext().getSystem().scheduler());
    getContext().pipeToSelf(stats, (answer, failure) -> new Stats(device.model(), answer));
  }

  private void onStats(Stats stats, long nowNs) {
    asked.remove(stats.model());
    if (stats.stats() != null && stats.stats().engine() != null) {
      EngineStats engine = stats.stats().engine();
      loads.observe(view.self(), stats.model(), engine, attempts.all(), draining, nowNs);
    }
  }

  private void onDrain(Drain drain, long nowNs) {
    draining = true;
    drainUntilNs = nowNs + drain.limitNs();
    drained = drain.replyTo();
    devices.forEach(this::askDevice);
  }

  @Override
  public Behavior<ServiceCommand> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      attempts.stopAll();
    }
    return this;
  }
}
