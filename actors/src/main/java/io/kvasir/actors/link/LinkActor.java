package io.kvasir.actors.link;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.settings.LinkSettings;
import io.kvasir.actors.timing.Pace;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.PeerStatus;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * Drives a {@link LinkTable}: messages of other nodes, the view, the clock and the transport's
 * answers go in; messages and transport calls come out. Found on every node under one path, so that
 * a node's address is enough to reach it.
 */
final class LinkActor extends AbstractMatchingBehavior<LinkMessage> implements LinkTable.Effects {
  /** Below {@code /system}. */
  static final String NAME = "kvasir-link";

  record Viewed(List<NodeInfo> nodes) implements LocalMessage {}

  record Want(long nodeId) implements LocalMessage {}

  record Lost(long nodeId) implements LocalMessage {}

  record Stop() implements LocalMessage {}

  private record Tick() implements LocalMessage {}

  private record Check() implements LocalMessage {}

  private record Connected(long nodeId, long link, PeerStatus status, String failure)
      implements LocalMessage {}

  private record Rekeyed(long nodeId, long link, int keyId, boolean activated, String failure)
      implements LocalMessage {}

  private record Checked(long nodeId, PeerStatus status) implements LocalMessage {}

  /** Hears what becomes of links; called on the actor. */
  interface Listener {
    void up(PeerStatus status);

    void down(long nodeId, String reason);
  }

  private final ClusterView view;
  private final BlockTransport transport;
  private final Listener listener;
  private final LinkTable table;
  private final Pace<LinkMessage> pace;
  private final SecureRandom random = new SecureRandom();
  private final Map<Long, NodeInfo> nodes = new HashMap<>();

  static Behavior<LinkMessage> create(
      ClusterView view, BlockTransport transport, LinkSettings settings, Listener listener) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new LinkActor(context, timers, view, transport, settings, listener)));
  }

  private LinkActor(
      ActorContext<LinkMessage> context,
      TimerScheduler<LinkMessage> timers,
      ClusterView view,
      BlockTransport transport,
      LinkSettings settings,
      Listener listener) {
    super(context);
    this.view = view;
    this.transport = transport;
    this.listener = listener;
    this.table =
        new LinkTable(
            transport.nodeId(),
            transport.incarnation(),
            settings.attemptTimeout(),
            settings.backoffLimit(),
            settings.rotationInterval(),
            settings.maxPeers(),
            this);
    Duration tick = settings.attemptTimeout().dividedBy(2);
    Duration rotation = settings.rotationInterval().dividedBy(4);
    Duration seldom =
        rotation.compareTo(settings.checkInterval()) < 0 ? rotation : settings.checkInterval();
    this.pace = new Pace<>(timers, new Tick(), tick, seldom);
    timers.startTimerWithFixedDelay(new Check(), settings.checkInterval());
  }

  @Override
  public Behavior<LinkMessage> onMessage(LinkMessage message) {
    long nowNs = System.nanoTime();
    switch (message) {
      case LinkMessage.Wire wire -> onWire(wire, nowNs);
      case Stop stop -> {
        return Behaviors.stopped();
      }
      case LocalMessage local -> onLocal(local, nowNs);
    }
    if (table.isUnderWay()) {
      pace.busy();
    }
    return this;
  }

  private void onWire(LinkMessage.Wire message, long nowNs) {
    if (message.wellFormed()) {
      table.onMessage(message, nowNs);
    } else {
      getContext().getLog().warn("a malformed message is dropped: {}", message);
    }
  }

  private void onLocal(LocalMessage message, long nowNs) {
    switch (message) {
      case Viewed viewed -> onView(viewed.nodes(), nowNs);
      case Want want -> table.want(want.nodeId(), nowNs);
      case Lost lost -> table.onBroken(lost.nodeId(), "transfers over the link are lost", nowNs);
      case Tick tick -> {
        table.onTick(nowNs);
        pace.ticked(table.isUnderWay());
      }
      case Check check -> check();
      case Connected connected -> onConnected(connected, nowNs);
      case Rekeyed done -> {
        if (done.failure() == null) {
          table.onRekeyed(done.nodeId(), done.link(), done.keyId(), done.activated(), nowNs);
        } else {
          table.onBroken(done.nodeId(), done.failure(), nowNs);
        }
      }
      case Checked checked -> onChecked(checked, nowNs);
      default -> throw new IllegalStateException("unknown message " + message);
    }
  }

  private void onView(List<NodeInfo> reachable, long nowNs) {
    Map<Long, Long> lives = new HashMap<>();
    nodes.clear();
    for (NodeInfo node : reachable) {
      if (node.tier() != null && node.nodeId() != transport.nodeId()) {
        nodes.put(node.nodeId(), node);
        lives.put(node.nodeId(), node.incarnation());
      }
    }
    table.onView(lives, nowNs);
    // Links stand before they are needed: the first transfer then costs no extra round trip.
    if (view.self().tier() != null) {
      nodes.keySet().forEach(nodeId -> table.want(nodeId, nowNs));
    }
  }

  private void onConnected(Connected connected, long nowNs) {
    if (table.onConnected(connected.nodeId(), connected.link(), connected.failure(), nowNs)) {
      PeerStatus status = connected.status();
      getContext()
          .getLog()
          .info(
              "linked with node {} over {}, {}",
              status.nodeId(),
              status.medium(),
              status.encrypted() ? "encrypted" : "plain");
      listener.up(status);
    }
  }

  private void check() {
    for (long nodeId : nodes.keySet()) {
      if (table.state(nodeId) == LinkTable.State.UP) {
        getContext()
            .pipeToSelf(
                transport.status(nodeId),
                (status, failure) -> new Checked(nodeId, failure == null ? status : null));
      }
    }
  }

  private void onChecked(Checked checked, long nowNs) {
    PeerStatus status = checked.status();
    if (status == null) {
      table.onBroken(checked.nodeId(), "the transport does not know the peer", nowNs);
    } else if (status.refusal() != null) {
      table.onBroken(checked.nodeId(), status.refusal(), nowNs);
    }
  }

  @Override
  public void send(long nodeId, LinkMessage.Wire message) {
    NodeInfo node = nodes.get(nodeId);
    if (node != null) {
      ActorRefResolver.get(getContext().getSystem())
          .<LinkMessage>resolveActorRef(node.address() + "/system/" + NAME)
          .tell(message);
    }
  }

  @Override
  public String invite(long nodeId) {
    return transport.invite(nodeId).toText();
  }

  @Override
  public void connect(long nodeId, long link, String invitation, LinkKeys keys) {
    Invitation theirs;
    try {
      theirs = Invitation.parse(invitation);
      NodeInfo node = nodes.get(nodeId);
      if (theirs.nodeId() != nodeId || node == null || theirs.incarnation() != node.incarnation()) {
        throw new IllegalArgumentException(
            "the invitation is of another life than node " + nodeId + " has in the cluster view");
      }
    } catch (IllegalArgumentException refused) {
      getContext().getSelf().tell(new Connected(nodeId, link, null, refused.getMessage()));
      return;
    }
    getContext()
        .pipeToSelf(
            transport.connect(theirs, keys),
            (status, failure) -> new Connected(nodeId, link, status, sentence(failure)));
  }

  @Override
  public void disconnect(long nodeId) {
    transport.disconnect(nodeId);
  }

  @Override
  public void install(long nodeId, long link, LinkKeys keys) {
    getContext()
        .pipeToSelf(
            transport.installKeys(nodeId, keys),
            (none, failure) -> new Rekeyed(nodeId, link, keys.keyId(), false, sentence(failure)));
  }

  @Override
  public void activate(long nodeId, long link, LinkKeys keys) {
    getContext()
        .pipeToSelf(
            transport.activateKeys(nodeId, keys),
            (none, failure) -> new Rekeyed(nodeId, link, keys.keyId(), true, sentence(failure)));
  }

  private static String sentence(Throwable failure) {
    return failure == null ? null : Objects.requireNonNullElse(failure.getMessage(), "failed");
  }

  @Override
  public byte[] secret() {
    byte[] secret = new byte[LinkKeys.SECRET_BYTES];
    random.nextBytes(secret);
    return secret;
  }

  @Override
  public long number() {
    return random.nextLong() | 1;
  }

  @Override
  public void down(long nodeId, String reason) {
    getContext().getLog().info("no link with node {}: {}", nodeId, reason);
    listener.down(nodeId, reason);
  }
}
