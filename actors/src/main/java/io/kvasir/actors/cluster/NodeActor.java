package io.kvasir.actors.cluster;

import io.kvasir.actors.cluster.ViewState.Life;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.apache.pekko.actor.typed.receptionist.ServiceKey;
import org.apache.pekko.cluster.ClusterEvent.MemberEvent;
import org.apache.pekko.cluster.ClusterEvent.ReachabilityEvent;
import org.apache.pekko.cluster.ClusterEvent.UnreachableMember;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Subscribe;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Introduces this node to every other one's node actor, and keeps the view of those that are
 * reachable. An unreachable node leaves the view at once; nobody waits for downing.
 */
final class NodeActor extends AbstractMatchingBehavior<NodeActor.Command> {
  /** What it understands. */
  sealed interface Command permits NodeMessage, Local {}

  /** From this node only. */
  sealed interface Local extends Command {}

  /** This node has changed. */
  record Update(NodeInfo self) implements Local {}

  /** A listener of the view. */
  record Listen(Consumer<List<NodeInfo>> listener) implements Local {}

  /** The listener has had enough. */
  record Unlisten(Consumer<List<NodeInfo>> listener) implements Local {}

  private record Peers(Set<ActorRef<NodeMessage>> refs) implements Local {}

  private record MemberChanged(MemberEvent event) implements Local {}

  private record ReachabilityChanged(ReachabilityEvent event) implements Local {}

  private record Repeat() implements Local {}

  private static final Logger LOG = LoggerFactory.getLogger(NodeActor.class);
  private static final ServiceKey<NodeMessage> KEY =
      ServiceKey.create(NodeMessage.class, "kvasir-node");
  private static final int MAX_LISTENERS = 64;

  private final NodeIdentity identity;
  private final ClusterSettings settings;
  private final SharedView view;
  private final ViewState state;
  private final ActorRef<NodeMessage> own;
  private final List<Consumer<List<NodeInfo>>> listeners = new ArrayList<>();

  /** Sequence that a peer has said to know; −1 = none. */
  private final Map<ActorRef<NodeMessage>, Long> peers = new HashMap<>();

  private final Set<String> warned = new HashSet<>();
  private NodeInfo self;
  private long sequence;

  static Behavior<Command> create(
      NodeIdentity identity, ClusterSettings settings, SharedView view) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new NodeActor(context, timers, identity, settings, view)));
  }

  private NodeActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      NodeIdentity identity,
      ClusterSettings settings,
      SharedView view) {
    super(context);
    this.identity = identity;
    this.settings = settings;
    this.view = view;
    this.state = new ViewState(settings.maxNodes());
    this.self = identity.bare();
    this.own = context.getSelf().narrow();
    view.met(identity.nodeId(), own);
    Life life = new Life(identity.address(), identity.memberUid());
    state.introduced(life, self, sequence);
    if (ClusterService.isClustered(context.getSystem())) {
      subscribe(context, timers);
    } else {
      state.joined(life);
    }
  }

  private void subscribe(ActorContext<Command> context, TimerScheduler<Command> timers) {
    Cluster cluster = Cluster.get(context.getSystem());
    cluster
        .subscriptions()
        .tell(
            Subscribe.create(
                context.messageAdapter(MemberEvent.class, MemberChanged::new), MemberEvent.class));
    cluster
        .subscriptions()
        .tell(
            Subscribe.create(
                context.messageAdapter(ReachabilityEvent.class, ReachabilityChanged::new),
                ReachabilityEvent.class));
    ActorRef<Receptionist.Listing> listing =
        context.messageAdapter(
            Receptionist.Listing.class, found -> new Peers(found.getServiceInstances(KEY)));
    context.getSystem().receptionist().tell(Receptionist.register(KEY, own));
    context.getSystem().receptionist().tell(Receptionist.subscribe(KEY, listing));
    timers.startTimerWithFixedDelay("repeat", new Repeat(), settings.repeatInterval());
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    switch (message) {
      case NodeMessage.Introduce introduce -> onIntroduce(introduce);
      case NodeMessage.Known known -> onKnown(known);
      case NodeMessage.AskHoldings ask -> onAskHoldings(ask);
      case NodeMessage.Holdings late -> LOG.debug("{} told its holdings too late", late.nodeId());
      case Update update -> onUpdate(update);
      case Listen listen -> onListen(listen);
      case Unlisten unlisten -> listeners.remove(unlisten.listener());
      case Peers found -> onPeers(found);
      case MemberChanged changed -> onMember(changed.event().member());
      case ReachabilityChanged changed -> onReachability(changed.event());
      case Repeat repeat -> introduceToUnknowing();
    }
    return this;
  }

  private void onIntroduce(NodeMessage.Introduce introduce) {
    NodeInfo node = introduce.node();
    if (node == null || node.address() == null || introduce.from() == null) {
      LOG.warn("a node introduced itself without saying who it is; it is not in the view");
      return;
    }
    if (state.introduced(
        new Life(node.address(), introduce.memberUid()), node, introduce.sequence())) {
      view.met(node.nodeId(), introduce.from());
      introduce.from().tell(new NodeMessage.Known(node.incarnation(), introduce.sequence(), own));
      publish();
    } else if (warned.add("full")) {
      LOG.warn(
          "{} is not in the view, which holds max-nodes={}; raise {}.max-nodes",
          node.name(),
          settings.maxNodes(),
          ClusterSettings.PATH);
    }
  }

  private void onKnown(NodeMessage.Known known) {
    if (known.incarnation() == identity.incarnation()) {
      peers.computeIfPresent(known.by(), (peer, before) -> Math.max(before, known.sequence()));
    }
  }

  private void onAskHoldings(NodeMessage.AskHoldings ask) {
    if (ask.replyTo() != null) {
      ask.replyTo().tell(new NodeMessage.Holdings(identity.nodeId(), view.holdings()));
    }
  }

  private void onUpdate(Update update) {
    self = update.self();
    sequence++;
    state.introduced(new Life(identity.address(), identity.memberUid()), self, sequence);
    publish();
    introduceToUnknowing();
  }

  private void onListen(Listen listen) {
    if (listeners.size() >= MAX_LISTENERS) {
      LOG.error("more than {} listeners of the cluster view, one is refused", MAX_LISTENERS);
      return;
    }
    listeners.add(listen.listener());
    tell(listen.listener());
  }

  private void onPeers(Peers found) {
    peers.keySet().retainAll(found.refs());
    for (ActorRef<NodeMessage> peer : found.refs()) {
      if (!peer.equals(own)) {
        peers.putIfAbsent(peer, -1L);
      }
    }
    introduceToUnknowing();
  }

  private void introduceToUnknowing() {
    peers.forEach(
        (peer, known) -> {
          if (known < sequence) {
            peer.tell(new NodeMessage.Introduce(self, identity.memberUid(), sequence, own));
          }
        });
  }

  private void onMember(Member member) {
    Life life = life(member);
    MemberStatus status = member.status();
    if (status == MemberStatus.up()
        || status == MemberStatus.weaklyUp()
        || status == MemberStatus.leaving()) {
      state.joined(life);
    } else if (status != MemberStatus.joining()) {
      state.left(life);
      if (life.uid() == identity.memberUid()) {
        LOG.info("this node has left the cluster");
      }
    }
    publish();
  }

  private void onReachability(ReachabilityEvent event) {
    Life life = life(event.member());
    if (event instanceof UnreachableMember) {
      LOG.warn("{} is unreachable and out of the view", event.member().address());
      state.unreachable(life);
    } else {
      LOG.info("{} is reachable again", event.member().address());
      state.reachable(life);
    }
    publish();
  }

  private static Life life(Member member) {
    return new Life(member.address().toString(), member.uniqueAddress().longUid());
  }

  private void publish() {
    List<NodeInfo> nodes = state.nodes();
    for (String address : state.doubles()) {
      if (warned.size() < MAX_LISTENERS && warned.add(address)) {
        LOG.error(
            "the node at {} has the id of another one and is not in the view; give each its own"
                + " {}.node-id",
            address,
            ClusterSettings.PATH);
      }
    }
    if (view.set(self, nodes)) {
      LOG.info("reachable nodes: {}", nodes.stream().map(NodeInfo::name).toList());
      listeners.forEach(this::tell);
    }
  }

  private void tell(Consumer<List<NodeInfo>> listener) {
    try {
      listener.accept(view.reachable());
    } catch (RuntimeException failure) {
      LOG.error("a listener of the cluster view failed", failure);
    }
  }
}
