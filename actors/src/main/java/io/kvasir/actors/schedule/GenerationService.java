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
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Pooling;
import io.kvasir.runtime.engine.TokenStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * Computes for gateways, its own node's and others': begins attempts on the node's devices, sends
 * their tokens, ends what its gateway no longer wants, and reports the node's load to gateways that
 * watch. The rules of attempts and their leases are {@link AttemptTable}; this drives it.
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

  private static final int MAX_WATCHERS = 256;
  private static final int MAX_ASSEMBLIES = 64;

  private final ScheduleSettings settings;
  private final ClusterView view;
  private final Intake intake;
  private final List<NodeDevice> devices;
  private final Slices slices;
  private final AttemptTable attempts;
  private final Map<Long, Slices.Assembly> assemblies = new HashMap<>();
  private final Map<ActorRef<GenerationReply>, Long> watchers = new LinkedHashMap<>();
  private final Map<String, DeviceReport> reports = new HashMap<>();
  private boolean draining;
  private long drainUntilNs;
  private ActorRef<Done> drained;

  /** What is known of one device. */
  private static final class DeviceReport {
    final Speed speed = new Speed();
    GenerationReply.Load last;
    long toldNs;
    long sequence;
    boolean asked;
  }

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
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new GenerationService(context, timers, view, intake, devices, settings)));
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
    this.attempts = new AttemptTable(settings.maxRequests(), settings.renewInterval().toNanos());
    this.slices = new Slices(context.getSystem());
    devices.forEach(device -> reports.put(device.model(), new DeviceReport()));
    timers.startTimerWithFixedDelay(Tick.TICK, settings.tick());
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
    return this;
  }

  private void onStart(GenerationMessage.Start start, long nowNs) {
    NodeAttempt attempt =
        new NodeAttempt(
            start.requestId(),
            start.attempt(),
            start.replyTo()::tell,
            start.model(),
            start.computeTokens(),
            nowNs + start.leaseMs() * 1_000_000L,
            nowNs);
    if (!begin(attempt, start.fingerprint())) {
      return;
    }
    GenerationOrder order;
    try {
      order =
          new GenerationOrder(
              start.tenant(),
              start.prompt(),
              start.sampling().parameters(),
              Duration.ofMillis(Math.max(1, start.timeoutMs())),
              start.grammar() == null ? null : start.grammar().spec(),
              start.resume().stream().map(WireResume::resumed).toList(),
              start.session(),
              start.explained());
    } catch (IllegalArgumentException | NullPointerException malformed) {
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

  private void onEmbed(GenerationMessage.Embed embed, long nowNs) {
    NodeAttempt attempt =
        new NodeAttempt(
            embed.requestId(),
            embed.attempt(),
            embed.replyTo()::tell,
            embed.model(),
            embed.input().length,
            nowNs + embed.leaseMs() * 1_000_000L,
            nowNs);
    if (!begin(attempt, embed.fingerprint())) {
      return;
    }
    EmbeddingOrder order;
    try {
      order =
          new EmbeddingOrder(
              embed.tenant(),
              embed.input(),
              Pooling.valueOf(embed.pooling()),
              Duration.ofMillis(Math.max(1, embed.timeoutMs())));
    } catch (IllegalArgumentException malformed) {
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
    ModelInfo served = LoadBook.model(view.self(), attempt.model);
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
      getContext().getLog().warn("an order in slices cannot be read, it is dropped", malformed);
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
    Embedding.Result result = ended.result();
    byte[] vector = null;
    if (result.vector() != null) {
      ByteBuffer bytes =
          ByteBuffer.allocate(result.vector().length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(result.vector());
      vector = bytes.array();
    }
    attempt.tell(
        new GenerationReply.Embedded(
            ended.requestId(),
            ended.attempt(),
            result.reason(),
            vector,
            WireUsage.of(result.usage()),
            result.failure()),
        nowNs);
  }

  private void onNews(News news, long nowNs) {
    NodeAttempt attempt = attempts.live(news.requestId(), news.attempt(), nowNs);
    if (attempts.news(news.requestId(), news.attempt(), nowNs)) {
      learn(attempt);
    }
  }

  private void learn(NodeAttempt attempt) {
    TokenStream first = attempt.streams().getFirst();
    DeviceReport report = reports.get(attempt.model);
    boolean well =
        first.finishReason() == FinishReason.STOP || first.finishReason() == FinishReason.LENGTH;
    if (report != null && well) {
      report.speed.learn(first.usage());
    }
  }

  private void onRenew(GenerationMessage.Renew renew, long nowNs) {
    Slices.Assembly assembly = assemblies.get(renew.requestId());
    if (assembly == null || assembly.attempt != renew.attempt()) {
      attempts.renew(renew, renew.replyTo()::tell, nowNs);
    }
  }

  private void onCancel(GenerationMessage.Cancel cancel) {
    attempts.cancel(cancel);
    assemblies.remove(cancel.requestId());
  }

  private void onTick(long nowNs) {
    attempts.tick(nowNs);
    assemblies.values().removeIf(assembly -> nowNs - assembly.leaseUntilNs >= 0);
    watchers.values().removeIf(untilNs -> nowNs - untilNs >= 0);
    if (!watchers.isEmpty()) {
      devices.forEach(this::askDevice);
    }
    if (drained != null && nowNs - drainUntilNs >= 0) {
      attempts.handBack();
    }
  }

  private void onWatch(GenerationMessage.Watch watch, long nowNs) {
    boolean known = watchers.containsKey(watch.replyTo());
    if (known || watchers.size() < MAX_WATCHERS) {
      watchers.put(watch.replyTo(), nowNs + watch.watchMs() * 1_000_000L);
    }
    if (!known) {
      reports.values().stream()
          .filter(report -> report.last != null)
          .forEach(report -> watch.replyTo().tell(report.last));
    }
  }

  private void askDevice(NodeDevice device) {
    DeviceReport report = reports.get(device.model());
    if (report.asked) {
      return;
    }
    report.asked = true;
    CompletionStage<GpuActor.Stats> stats =
        AskPattern.ask(
            device.gpu(),
            GpuActor.GetStats::new,
            Duration.ofSeconds(5),
            getContext().getSystem().scheduler());
    getContext().pipeToSelf(stats, (answer, failure) -> new Stats(device.model(), answer));
  }

  private void onStats(Stats stats, long nowNs) {
    DeviceReport report = reports.get(stats.model());
    report.asked = false;
    if (stats.stats() == null || stats.stats().engine() == null) {
      return;
    }
    GenerationReply.Load load = load(stats.model(), stats.stats().engine(), report);
    boolean due = nowNs - report.toldNs >= settings.loadInterval().toNanos();
    if (due || report.last == null || differs(report.last, load)) {
      report.last = load;
      report.toldNs = nowNs;
      watchers.keySet().forEach(gateway -> gateway.tell(load));
    }
  }

  private static boolean differs(GenerationReply.Load before, GenerationReply.Load now) {
    return before.waiting() != now.waiting()
        || before.running() != now.running()
        || before.backlogTokens() != now.backlogTokens()
        || before.draining() != now.draining();
  }

  private GenerationReply.Load load(String model, EngineStats engine, DeviceReport report) {
    long backlog = 0;
    int fetching = 0;
    for (NodeAttempt attempt : attempts.all()) {
      if (attempt.model.equals(model) && attempt.awaitsPrefill()) {
        backlog += attempt.computeTokens;
        fetching += attempt.streams().isEmpty() ? 1 : 0;
      }
    }
    int maxRunning = 0;
    for (NodeDevice device : devices) {
      maxRunning = device.model().equals(model) ? device.maxRunning() : maxRunning;
    }
    return new GenerationReply.Load(
        view.self().nodeId(),
        view.self().incarnation(),
        ++report.sequence,
        model,
        engine.waiting() + fetching,
        engine.running(),
        maxRunning,
        backlog,
        engine.arenaBytes() - engine.arenaReferencedBytes(),
        engine.arenaBytes(),
        report.speed.prefillTokensPerSecond(),
        report.speed.decodeStepMicros(),
        report.speed.requestMillis(),
        draining);
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
