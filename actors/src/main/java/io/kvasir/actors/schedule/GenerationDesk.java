package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.session.Sessions;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.actors.timing.Pace;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * A gateway's side of every request under way: finds nodes, gives them the requests, writes what
 * comes back into the streams that clients are read from, and goes on elsewhere when a node dies.
 * The rules are {@link Failover} and {@link NodeChoice}; this drives them. Bounded by max-requests.
 * Longer than most classes because each of its messages has its record and its method here.
 */
final class GenerationDesk extends AbstractMatchingBehavior<DeskCommand>
    implements RoutedRequest.Desk {
  /** What its own gateway tells it. */
  sealed interface Event extends DeskCommand
      permits Order, OrderEmbedding, CancelOrder, CancelOrderChoice, Nodes, Found, Probed, Tick {}

  /** Takes a generation; the sampling has a seed. */
  record Order(long requestId, String model, GenerationOrder order, ActorRef<OrderReply> replyTo)
      implements Event {}

  /** Takes an input to be embedded. */
  record OrderEmbedding(
      long requestId, String model, EmbeddingOrder order, ActorRef<OrderReply> replyTo)
      implements Event {}

  record CancelOrder(long requestId) implements Event {}

  record CancelOrderChoice(long requestId, int choice) implements Event {}

  record Nodes(List<NodeInfo> reachable) implements Event {}

  private record Found(long requestId, int placing, Lookups.Known known) implements Event {}

  /** Whether a silent node's host refused connections. */
  private record Probed(long nodeId, long incarnation, boolean refused) implements Event {}

  private record Tick() implements Event {
    static final Tick TICK = new Tick();
  }

  /** Answers an order. */
  sealed interface OrderReply permits TakenGeneration, TakenEmbedding, Declined {}

  record TakenGeneration(RoutedGeneration generation) implements OrderReply {}

  record TakenEmbedding(RoutedEmbedding embedding) implements OrderReply {}

  record Declined(Code code, String sentence) implements OrderReply {}

  /** Ticks after which nodes are asked again to tell their load, while requests are under way. */
  private static final int WATCH_TICKS = 10;

  /** The most ticks while none is: an idle cluster passes few messages. */
  private static final int MAX_IDLE_WATCH_TICKS = 4 * WATCH_TICKS;

  /** A node tells its load for so many intervals after it was asked. */
  private static final int WATCH_INTERVALS = 3;

  private static final Duration VOICES_FORGET = Duration.ofSeconds(30);

  /** Tokens whose keys take well below a millisecond. */
  private static final int MAX_HASHED_HERE = 4096;

  private final Lookups lookups;
  private final ScheduleSettings settings;
  private final Executor workers;
  private final Function<NodeInfo, CompletionStage<Boolean>> refused;
  private final Failover.Limits limits;
  private final LoadBook book;
  private final Voices voices;
  private final NodeChoice choice;
  private final SplittableRandom random = new SplittableRandom();
  private final Slices slices;
  private final Map<Long, RoutedRequest> requests = new HashMap<>();

  /** Nodes whose hosts are being asked. */
  private final Set<Long> probing = new HashSet<>();

  private final AutoCloseable subscription;
  private final ScheduleMetrics metrics;
  private final Pace<DeskCommand> pace;
  private final int idleWatchTicks;
  private int tick;

  /**
   * @param directory null = nobody knows what is cached where
   * @param sessions null = nobody but this gateway knows where a session was
   * @param workers where keys are hashed
   * @param refused whether a node's host refuses connections to the node
   * @param metrics told each tick
   */
  static Behavior<DeskCommand> create(
      ClusterView view,
      Directory directory,
      Sessions sessions,
      ScheduleSettings settings,
      Executor workers,
      Function<NodeInfo, CompletionStage<Boolean>> refused,
      ScheduleMetrics metrics) {
    Behavior<DeskCommand> desk =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers ->
                        new GenerationDesk(
                            context, timers, view, directory, sessions, settings, workers, refused,
                            metrics)));
    // A message that cannot be worked on costs itself, not what others have under way.
    return Behaviors.supervise(desk).onFailure(SupervisorStrategy.resume());
  }

  private GenerationDesk(
      ActorContext<DeskCommand> context,
      TimerScheduler<DeskCommand> timers,
      ClusterView view,
      Directory directory,
      Sessions sessions,
      ScheduleSettings settings,
      Executor workers,
      Function<NodeInfo, CompletionStage<Boolean>> refused,
      ScheduleMetrics metrics) {
    super(context);
    this.refused = refused;
    this.metrics = metrics;
    this.lookups = new Lookups(directory, sessions, settings.lookupDeadline(), workers);
    this.settings = settings;
    this.workers = workers;
    this.limits =
        new Failover.Limits(
            settings.ticks(settings.silence()),
            settings.ticks(settings.renewInterval()),
            settings.maxAttempts(),
            settings.ticks(settings.patience()));
    this.book = new LoadBook(settings);
    this.voices = new Voices(limits.renewTicks(), settings.ticks(VOICES_FORGET));
    this.choice = new NodeChoice(settings, book, view.self().nodeId());
    this.slices = new Slices(context.getSystem());
    ActorRef<DeskCommand> self = context.getSelf();
    // What is told to the subscriber comes by the mailbox, behind orders that are there already.
    choice.see(view.reachable());
    this.subscription = view.subscribe(reachable -> self.tell(new Nodes(reachable)));
    this.idleWatchTicks = idleWatchTicks(settings);
    this.pace =
        new Pace<>(timers, Tick.TICK, settings.tick(), settings.tick().multipliedBy(WATCH_TICKS));
  }

  @Override
  public Behavior<DeskCommand> onMessage(DeskCommand message) {
    long nowNs = System.nanoTime();
    switch (message) {
      case Order order -> onOrder(order, nowNs);
      case OrderEmbedding order -> onOrderEmbedding(order, nowNs);
      case CancelOrder cancel -> onCancel(cancel, nowNs);
      case CancelOrderChoice cancel -> onCancelChoice(cancel);
      case Nodes changed -> onNodes(changed.reachable(), nowNs);
      case Found found -> onFound(found, nowNs);
      case Probed probed -> onProbed(probed, nowNs);
      case Tick next -> onTick(nowNs);
      case GenerationReply.Load load -> onLoad(load);
      case GenerationReply.OfAttempt reply -> onReply(reply, nowNs);
    }
    return this;
  }

  private void onOrder(Order order, long nowNs) {
    ModelInfo model = model(order.model(), order.replyTo());
    if (model == null) {
      return;
    }
    RoutedGeneration generation;
    try {
      generation =
          new RoutedGeneration(
              order.requestId(),
              getContext().getSelf(),
              order.order(),
              model.vocabSize(),
              model.fingerprint());
    } catch (IllegalArgumentException tooMuch) {
      order.replyTo().tell(new Declined(Code.INVALID, tooMuch.getMessage()));
      return;
    }
    begin(
        RoutedRequest.generating(
            generation,
            order.requestId(),
            model,
            this,
            order.order(),
            limits,
            nowNs,
            order.replyTo()));
  }

  private void onOrderEmbedding(OrderEmbedding order, long nowNs) {
    ModelInfo model = model(order.model(), order.replyTo());
    if (model == null) {
      return;
    }
    RoutedEmbedding embedding =
        new RoutedEmbedding(
            order.requestId(),
            getContext().getSelf(),
            order.order().tokens().length,
            model.hiddenSize(),
            workers);
    begin(
        RoutedRequest.embedding(
            embedding,
            order.requestId(),
            model,
            this,
            order.order(),
            limits,
            nowNs,
            order.replyTo()));
  }

  private void begin(RoutedRequest request) {
    requests.put(request.requestId, request);
    pace.busy();
    request.failover().begin();
  }

  /** The model as it is computed now; null when the order was declined. */
  private ModelInfo model(String id, ActorRef<OrderReply> replyTo) {
    if (requests.size() >= settings.maxRequests()) {
      replyTo.tell(
          new Declined(
              Code.QUEUE_FULL,
              "the gateway has %d requests under way, its limit, try again later"
                  .formatted(requests.size())));
      return null;
    }
    ModelInfo model = choice.model(id);
    if (model == null) {
      replyTo.tell(new Declined(Code.NO_NODE, noNode(id)));
    }
    return model;
  }

  private static String noNode(String model) {
    return "no reachable node computes the model " + model + " now, try again later";
  }

  private static String notThere(String node, String model) {
    return "no reachable node named %s computes the model %s, name another one or none"
        .formatted(node, model);
  }

  @Override
  public void place(RoutedRequest request, Set<Long> avoided) {
    request.placing++;
    List<NodeInfo> able = able(request);
    String named = request.namedNode();
    if (named != null) {
      able = able.stream().filter(node -> node.name().equals(named)).toList();
      if (able.isEmpty()) {
        request.nowhere(notThere(named, request.model.id()), System.nanoTime());
      } else {
        choose(request, able, Lookups.Known.UNASKED);
      }
      return;
    }
    // The node that goes on with an answer is told who holds its prompt, but for those who died.
    boolean resumed = request.failover().attempts() > 0;
    boolean several = able.size() > 1 || resumed || request.explained();
    if (able.isEmpty()) {
      request.nowhere(noNode(request.model.id()), System.nanoTime());
    } else if (!several || !lookups.worthAsking(request) || settings.leastLoaded()) {
      choose(request, able, Lookups.Known.UNASKED);
    } else {
      long requestId = request.requestId;
      int placing = request.placing;
      getContext()
          .pipeToSelf(
              lookups.ask(request, sessionKnown(request)),
              (known, failure) ->
                  new Found(requestId, placing, failure == null ? known : Lookups.Known.LATE));
    }
  }

  private boolean sessionKnown(RoutedRequest request) {
    return request.session() != null
        && book.knows(request.tenant(), request.session(), request.model.id());
  }

  private List<NodeInfo> able(RoutedRequest request) {
    List<NodeInfo> able =
        request.prefills()
            ? choice.prefilling(request.model)
            : choice.able(request.model, request.avoided(), request.acceptedNs != 0);
    List<NodeInfo> heard = heard(able);
    return heard.isEmpty() ? able : heard;
  }

  private List<NodeInfo> heard(List<NodeInfo> nodes) {
    return nodes.stream().filter(node -> !voices.suspects(node.nodeId())).toList();
  }

  private void onFound(Found found, long nowNs) {
    RoutedRequest request = requests.get(found.requestId());
    if (request == null || request.placing != found.placing()) {
      return;
    }
    request.keys = found.known().keys();
    if (request.keys == null && request.prompt().length <= MAX_HASHED_HERE) {
      // No worker came to it in time: where this gateway sent the prefix is worth a little time.
      request.keys =
          request.model.keys().keys(request.tenant(), request.prompt(), request.prompt().length);
    }
    Sessions.Hint hint = found.known().hint();
    if (hint != null) {
      Sessions.Use last = hint.last();
      int tokens = last.promptTokens() + last.generatedTokens();
      book.used(request.tenant(), request.session(), request.model.id(), last.nodeId(), tokens);
    }
    List<NodeInfo> able = able(request);
    if (able.isEmpty()) {
      request.nowhere(noNode(request.model.id()), nowNs);
    } else {
      choose(request, able, found.known());
    }
  }

  private void choose(RoutedRequest request, List<NodeInfo> able, Lookups.Known known) {
    Holdings holdings = known.holdings();
    List<NodeScore.Scored> ranked = choice.rank(request, able, holdings);
    if (request.mayBePrefilled()) {
      List<NodeInfo> prefilling = choice.prefilling(request.model);
      if (!prefilling.isEmpty()) {
        NodeScore.Scored prefill = choice.rank(request, prefilling, holdings).getFirst();
        int tokens = request.prompt().length;
        if (choice.worthPrefilling(request.model, tokens, ranked.getFirst(), prefill)) {
          prefill(request);
          return;
        }
      }
    }
    NodeInfo best = choice.find(ranked.getFirst().candidate().nodeId());
    long nowNs = System.nanoTime();
    List<WireHolder> holders =
        known.told(best.nodeId(), settings.holdersAge(), id -> !voices.suspects(id), nowNs);
    request.placed(best, ranked, holders, nowNs);
  }

  /**
   * Lets a prefill node compute the prompt; well or not, the request is placed when that is over.
   */
  private void prefill(RoutedRequest request) {
    long id = random.nextLong();
    GenerationOrder order = request.prefillOrder();
    RoutedGeneration unread =
        new RoutedGeneration(
            id,
            getContext().getSelf(),
            order,
            request.model.vocabSize(),
            request.model.fingerprint());
    Failover.Limits once = new Failover.Limits(limits.silenceTicks(), limits.renewTicks(), 1, 0);
    begin(
        RoutedRequest.prefilling(
            unread,
            id,
            request.model,
            this,
            order,
            once,
            System.nanoTime(),
            request,
            () -> {
              if (requests.containsKey(request.requestId)) {
                place(request, request.avoided());
              }
            }));
  }

  /** A report of a node that is not in view, or of another life of it, says nothing about it. */
  private void onLoad(GenerationReply.Load load) {
    NodeInfo node = choice.find(load.nodeId());
    if (node != null && node.incarnation() == load.incarnation()) {
      voices.heard(load.nodeId());
      book.report(load);
    }
  }

  private void onReply(GenerationReply.OfAttempt reply, long nowNs) {
    RoutedRequest request = requests.get(reply.requestId());
    if (request != null) {
      if (reply.attempt() == request.failover().attempts()) {
        voices.heard(request.failover().nodeId());
      }
      request.failover().onReply(reply, nowNs);
    }
  }

  private void onCancel(CancelOrder cancel, long nowNs) {
    RoutedRequest request = requests.get(cancel.requestId());
    if (request != null) {
      request.failover().cancel(nowNs);
    }
  }

  private void onCancelChoice(CancelOrderChoice cancel) {
    RoutedRequest request = requests.get(cancel.requestId());
    if (request != null) {
      request.failover().cancelChoice(cancel.choice());
    }
  }

  private void onNodes(List<NodeInfo> reachable, long nowNs) {
    for (NodeInfo gone : choice.see(reachable)) {
      voices.forget(gone.nodeId());
      for (RoutedRequest request : List.copyOf(requests.values())) {
        request.failover().onNodeLost(gone.nodeId(), nowNs);
      }
    }
    watch();
  }

  private void onTick(long nowNs) {
    for (RoutedRequest request : List.copyOf(requests.values())) {
      boolean unread =
          request.acceptedNs != 0
              && !request.isTaken()
              && nowNs - request.acceptedNs > settings.attachTimeout().toNanos();
      if (unread) {
        request.failover().cancel(nowNs);
      } else {
        request.failover().onTick(nowNs);
      }
    }
    for (int i = 0; i < pace.ticks(); i++) {
      suspect(nowNs);
      if (++tick % (requests.isEmpty() ? idleWatchTicks : WATCH_TICKS) == 0) {
        watch();
      }
    }
    metrics.observe(requests.size(), book);
    pace.ticked(!requests.isEmpty());
  }

  /** Moves what can go on elsewhere away from nodes that say nothing at all. */
  private void suspect(long nowNs) {
    Set<Long> owing = new HashSet<>();
    for (RoutedRequest request : requests.values()) {
      if (request.failover().isRunning()) {
        owing.add(request.failover().nodeId());
      }
    }
    for (long suspect : voices.tick(owing)) {
      movable().forEach(request -> request.failover().onNodeSuspected(suspect, nowNs));
    }
    voices.overdue().forEach(this::probe);
  }

  /** Asks a silent node's host whether its process is still there. */
  private void probe(long nodeId) {
    NodeInfo node = choice.find(nodeId);
    if (node == null || node.generations() == null || !probing.add(nodeId)) {
      return;
    }
    getContext()
        .pipeToSelf(
            refused.apply(node),
            (said, failure) -> new Probed(nodeId, node.incarnation(), Boolean.TRUE.equals(said)));
  }

  /**
   * Whatever a node whose process has ended was doing goes on elsewhere, where there is another.
   */
  private void onProbed(Probed probed, long nowNs) {
    probing.remove(probed.nodeId());
    NodeInfo node = choice.find(probed.nodeId());
    if (!probed.refused()
        || node == null
        || node.incarnation() != probed.incarnation()
        || !voices.ended(probed.nodeId())) {
      return;
    }
    movable().forEach(request -> request.failover().onNodeLost(probed.nodeId(), nowNs));
  }

  /** Requests that some node which is heard could go on with. */
  private List<RoutedRequest> movable() {
    return requests.values().stream()
        .filter(request -> !heard(choice.able(request.model, request.avoided(), false)).isEmpty())
        .toList();
  }

  /**
   * Ticks after which an idle gateway asks again: not so many that a node, which cuts what is asked
   * of it, would fall silent in between.
   */
  static int idleWatchTicks(ScheduleSettings settings) {
    Duration granted = settings.lease().multipliedBy(GenerationService.LEASE_FACTOR);
    long ticks = granted.dividedBy(settings.tick()) / WATCH_INTERVALS;
    return Math.clamp(ticks, WATCH_TICKS, MAX_IDLE_WATCH_TICKS);
  }

  /** Nodes tell their load from here on. */
  private void watch() {
    int watchMs = (int) (WATCH_INTERVALS * idleWatchTicks * settings.tick().toMillis());
    for (NodeInfo node : choice.nodes()) {
      if (node.generations() != null) {
        node.generations().tell(new GenerationMessage.Watch(replies(), watchMs));
      }
    }
  }

  @Override
  public ActorRef<GenerationReply> replies() {
    return getContext().getSelf().narrow();
  }

  @Override
  public LoadBook book() {
    return book;
  }

  @Override
  public Slices slices() {
    return slices;
  }

  @Override
  public int leaseMs() {
    return (int) settings.lease().toMillis();
  }

  @Override
  public void forget(RoutedRequest request) {
    requests.remove(request.requestId);
  }

  @Override
  public void used(RoutedRequest request, NodeInfo node, int[] generated) {
    book.used(
        request.tenant(),
        request.session(),
        request.model.id(),
        node.nodeId(),
        request.prompt().length + generated.length);
    lookups.used(request, node, generated);
  }

  @Override
  public Behavior<DeskCommand> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      try {
        subscription.close();
      } catch (Exception ended) {
        getContext().getLog().debug("the cluster view had ended before", ended);
      }
      long nowNs = System.nanoTime();
      List.copyOf(requests.values()).forEach(request -> request.failover().cancel(nowNs));
    }
    return this;
  }
}
