package io.kvasir.actors.link;

import io.kvasir.actors.link.LinkMessage.Accept;
import io.kvasir.actors.link.LinkMessage.Ask;
import io.kvasir.actors.link.LinkMessage.Drop;
import io.kvasir.actors.link.LinkMessage.Lives;
import io.kvasir.actors.link.LinkMessage.Propose;
import io.kvasir.actors.link.LinkMessage.Refuse;
import io.kvasir.actors.link.LinkMessage.Rekey;
import io.kvasir.actors.link.LinkMessage.Step;
import io.kvasir.transport.LinkKeys;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The rules by which two transports find each other: events in, effects out; single-threaded, time
 * is given. Idle → (higher id) Asking → Proposed → Connecting → Up, and from anywhere to Backoff,
 * from which it tries again as long as the view shows the node. Each attempt has a number, new
 * invitations and new secrets; what names another attempt or another life is dropped.
 */
final class LinkTable {
  /** What the table has done to the world. */
  interface Effects {
    void send(long nodeId, LinkMessage.Wire message);

    /**
     * An invitation for the node, as text.
     *
     * @throws IllegalStateException when the transport has too many peers
     */
    String invite(long nodeId);

    /** Connects; answered by {@link LinkTable#onConnected}. */
    void connect(long nodeId, long link, String invitation, LinkKeys keys);

    void disconnect(long nodeId);

    /** Answered by {@link LinkTable#onRekeyed}. */
    void install(long nodeId, long link, LinkKeys keys);

    /** Answered by {@link LinkTable#onRekeyed}. */
    void activate(long nodeId, long link, LinkKeys keys);

    byte[] secret();

    long number();

    /** The link is of no use any more. */
    void down(long nodeId, String reason);
  }

  enum State {
    IDLE,
    ASKING,
    PROPOSED,
    CONNECTING,
    UP,
    BACKOFF
  }

  private static final int LAST_KEY_ID = 65_535;

  private final long self;
  private final long incarnation;
  private final long attemptNs;
  private final long backoffLimitNs;
  private final long rotationNs;
  private final int maxPeers;
  private final Effects effects;
  private final Map<Long, Peer> peers = new HashMap<>();

  private static final class Peer {
    final long nodeId;
    final long incarnation;
    State state = State.IDLE;
    long link;
    long dueNs;
    long upSinceNs;
    long rotatedNs;
    int attempts;
    Propose proposal;
    Accept acceptance;
    int keyId;
    LinkKeys nextKeys;
    boolean installed;
    Rekey pending;

    Peer(long nodeId, long incarnation) {
      this.nodeId = nodeId;
      this.incarnation = incarnation;
    }
  }

  LinkTable(
      long self,
      long incarnation,
      Duration attempt,
      Duration backoffLimit,
      Duration rotation,
      int maxPeers,
      Effects effects) {
    this.self = self;
    this.incarnation = incarnation;
    this.attemptNs = attempt.toNanos();
    this.backoffLimitNs = backoffLimit.toNanos();
    this.rotationNs = rotation.toNanos();
    this.maxPeers = maxPeers;
    this.effects = effects;
  }

  State state(long nodeId) {
    Peer peer = peers.get(nodeId);
    return peer == null ? null : peer.state;
  }

  long link(long nodeId) {
    return peers.get(nodeId).link;
  }

  /** The nodes that may be linked, by id, and the life of each; others are given up. */
  void onView(Map<Long, Long> incarnations, long nowNs) {
    for (Peer peer : List.copyOf(peers.values())) {
      if (!Objects.equals(incarnations.get(peer.nodeId), peer.incarnation)) {
        peers.remove(peer.nodeId);
        if (peer.link != 0) {
          effects.send(peer.nodeId, new Drop(lives(peer), peer.link));
        }
        effects.disconnect(peer.nodeId);
        effects.down(peer.nodeId, "the cluster no longer shows this life of the node");
      }
    }
    incarnations.forEach(
        (nodeId, life) -> {
          if (nodeId != self && !peers.containsKey(nodeId) && peers.size() < maxPeers) {
            peers.put(nodeId, new Peer(nodeId, life));
          }
        });
  }

  /** Somebody needs the link. */
  void want(long nodeId, long nowNs) {
    Peer peer = peers.get(nodeId);
    if (peer != null && peer.state == State.IDLE) {
      begin(peer, nowNs);
    }
  }

  private void begin(Peer peer, long nowNs) {
    if (self > peer.nodeId) {
      peer.state = State.ASKING;
      effects.send(peer.nodeId, new Ask(lives(peer), peer.link));
      peer.dueNs = nowNs + waitNs(peer);
    } else {
      propose(peer, nowNs);
    }
  }

  private void propose(Peer peer, long nowNs) {
    String invitation = invite(peer, nowNs);
    if (invitation == null) {
      return;
    }
    peer.link = effects.number();
    peer.state = State.PROPOSED;
    peer.keyId = 1;
    peer.pending = null;
    peer.proposal =
        new Propose(lives(peer), peer.link, invitation, effects.secret(), effects.secret());
    effects.send(peer.nodeId, peer.proposal);
    peer.dueNs = nowNs + waitNs(peer);
  }

  private String invite(Peer peer, long nowNs) {
    try {
      return effects.invite(peer.nodeId);
    } catch (IllegalStateException full) {
      backOff(peer, full.getMessage(), nowNs);
      return null;
    }
  }

  /** Doubles with each attempt. */
  private long waitNs(Peer peer) {
    int shift = Math.min(peer.attempts++, 16);
    return Math.min(attemptNs << shift, Math.max(attemptNs, backoffLimitNs));
  }

  private void backOff(Peer peer, String reason, long nowNs) {
    boolean stood = peer.state == State.UP || peer.state == State.CONNECTING;
    peer.state = State.BACKOFF;
    peer.dueNs = nowNs + waitNs(peer);
    if (stood) {
      effects.disconnect(peer.nodeId);
    }
    effects.down(peer.nodeId, reason);
  }

  /** Whether a link is being made or its keys changed: then ticks must come often. */
  boolean isUnderWay() {
    for (Peer peer : peers.values()) {
      boolean settled = peer.state == State.UP || peer.state == State.IDLE;
      if (!settled || peer.pending != null) {
        return true;
      }
    }
    return false;
  }

  /** Repeats what was not answered, tries again what failed, replaces keys that are old. */
  void onTick(long nowNs) {
    for (Peer peer : peers.values()) {
      switch (peer.state) {
        case ASKING, BACKOFF -> {
          if (nowNs - peer.dueNs >= 0) {
            begin(peer, nowNs);
          }
        }
        case PROPOSED -> {
          if (nowNs - peer.dueNs >= 0) {
            effects.send(peer.nodeId, peer.proposal);
            peer.dueNs = nowNs + waitNs(peer);
          }
        }
        case UP -> rotate(peer, nowNs);
        case IDLE, CONNECTING -> {}
      }
    }
  }

  private void rotate(Peer peer, long nowNs) {
    if (self > peer.nodeId) {
      return;
    }
    if (peer.pending != null) {
      if (nowNs - peer.dueNs >= 0) {
        effects.send(peer.nodeId, peer.pending);
        peer.dueNs = nowNs + attemptNs;
      }
    } else if (nowNs - peer.rotatedNs >= rotationNs && peer.keyId < LAST_KEY_ID) {
      int keyId = peer.keyId + 1;
      byte[] forward = effects.secret();
      byte[] backward = effects.secret();
      peer.nextKeys = new LinkKeys(keyId, forward, backward);
      peer.pending = new Rekey(lives(peer), peer.link, keyId, Step.INSTALL, forward, backward);
      peer.dueNs = nowNs + attemptNs;
      effects.install(peer.nodeId, peer.link, peer.nextKeys);
    }
  }

  void onMessage(LinkMessage.Wire message, long nowNs) {
    Lives lives = message.lives();
    Peer peer = peers.get(lives.from());
    if (lives.toIncarnation() != incarnation) {
      return;
    }
    if (peer == null || peer.incarnation != lives.fromIncarnation()) {
      if (message instanceof Propose propose) {
        effects.send(
            lives.from(),
            new Refuse(
                new Lives(self, incarnation, lives.fromIncarnation()),
                propose.link(),
                "the cluster view here does not show this life of node " + lives.from()));
      }
      return;
    }
    switch (message) {
      case Ask ask -> onAsk(peer, ask, nowNs);
      case Propose propose -> onPropose(peer, propose, nowNs);
      case Accept accept -> onAccept(peer, accept, nowNs);
      case Refuse refuse -> {
        if (refuse.link() == peer.link && peer.state == State.PROPOSED) {
          backOff(peer, refuse.reason(), nowNs);
        }
      }
      case Drop drop -> {
        boolean open =
            peer.state == State.UP
                || peer.state == State.CONNECTING
                || peer.state == State.PROPOSED;
        if (drop.link() == peer.link && open) {
          backOff(peer, "the peer gave the link up", nowNs);
        }
      }
      case Rekey rekey -> onRekey(peer, rekey, nowNs);
    }
  }

  private void onAsk(Peer peer, Ask ask, long nowNs) {
    if (self > peer.nodeId || peer.state == State.PROPOSED || peer.state == State.CONNECTING) {
      return;
    }
    // An Ask that was sent before the link stood may arrive late; one that names it is in earnest.
    boolean late =
        peer.state == State.UP
            && ask.brokenLink() != peer.link
            && nowNs - peer.upSinceNs < 2 * attemptNs;
    if (!late) {
      if (peer.state == State.UP) {
        effects.disconnect(peer.nodeId);
        effects.down(peer.nodeId, "the peer asks for a new link");
      }
      propose(peer, nowNs);
    }
  }

  private void onPropose(Peer peer, Propose propose, long nowNs) {
    if (self < peer.nodeId) {
      return;
    }
    if (propose.link() == peer.link) {
      if (peer.state == State.UP) {
        effects.send(peer.nodeId, peer.acceptance);
      } else if (peer.state != State.CONNECTING) {
        // This attempt failed here, and the word of it was lost.
        effects.send(peer.nodeId, new Drop(lives(peer), peer.link));
      }
      return;
    }
    if (peer.state == State.UP) {
      effects.down(peer.nodeId, "the peer proposes a new link");
    }
    String invitation = invite(peer, nowNs);
    if (invitation == null) {
      return;
    }
    peer.link = propose.link();
    peer.state = State.CONNECTING;
    peer.keyId = 1;
    peer.nextKeys = null;
    peer.acceptance = new Accept(lives(peer), propose.link(), invitation);
    effects.connect(
        peer.nodeId,
        peer.link,
        propose.invitation(),
        new LinkKeys(1, propose.backward(), propose.forward()));
  }

  private void onAccept(Peer peer, Accept accept, long nowNs) {
    if (peer.state != State.PROPOSED || accept.link() != peer.link) {
      return;
    }
    peer.state = State.CONNECTING;
    effects.connect(
        peer.nodeId,
        peer.link,
        accept.invitation(),
        new LinkKeys(1, peer.proposal.forward(), peer.proposal.backward()));
    peer.proposal = null;
  }

  /**
   * The transport answered.
   *
   * @param failure null if connected
   * @return whether the link stands now
   */
  boolean onConnected(long nodeId, long link, String failure, long nowNs) {
    Peer peer = peers.get(nodeId);
    if (peer == null || peer.link != link || peer.state != State.CONNECTING) {
      return false;
    }
    if (failure != null) {
      effects.send(nodeId, new Drop(lives(peer), link));
      backOff(peer, failure, nowNs);
      return false;
    }
    peer.state = State.UP;
    peer.attempts = 0;
    peer.upSinceNs = nowNs;
    peer.rotatedNs = nowNs;
    if (self > nodeId) {
      effects.send(nodeId, peer.acceptance);
    }
    return true;
  }

  /** Transfers over the link fail, or the transport no longer knows it. */
  void onBroken(long nodeId, String reason, long nowNs) {
    Peer peer = peers.get(nodeId);
    if (peer != null && peer.state == State.UP) {
      effects.send(nodeId, new Drop(lives(peer), peer.link));
      backOff(peer, reason, nowNs);
    }
  }

  private void onRekey(Peer peer, Rekey rekey, long nowNs) {
    if (peer.state != State.UP || rekey.link() != peer.link) {
      return;
    }
    boolean ours = peer.pending != null && rekey.keyId() == peer.pending.keyId();
    switch (rekey.step()) {
      case INSTALL -> {
        boolean again = peer.nextKeys != null && rekey.keyId() == peer.nextKeys.keyId();
        if (again && peer.installed) {
          effects.send(peer.nodeId, step(peer, Step.INSTALLED, rekey.keyId()));
        } else if (!again && rekey.keyId() == peer.keyId + 1) {
          peer.installed = false;
          peer.nextKeys = new LinkKeys(rekey.keyId(), rekey.backward(), rekey.forward());
          effects.install(peer.nodeId, peer.link, peer.nextKeys);
        }
      }
      case INSTALLED -> {
        if (ours && peer.pending.step() == Step.INSTALL) {
          peer.pending = step(peer, Step.ACTIVATE);
          effects.activate(peer.nodeId, peer.link, peer.nextKeys);
        }
      }
      case ACTIVATE -> {
        if (peer.nextKeys != null && rekey.keyId() == peer.nextKeys.keyId()) {
          effects.activate(peer.nodeId, peer.link, peer.nextKeys);
        } else if (rekey.keyId() == peer.keyId) {
          effects.send(peer.nodeId, step(peer, Step.ACTIVATED, peer.keyId));
        }
      }
      case ACTIVATED -> {
        if (ours) {
          peer.pending = null;
          peer.keyId = rekey.keyId();
          peer.rotatedNs = nowNs;
        }
      }
    }
  }

  /** The transport installed or activated keys. */
  void onRekeyed(long nodeId, long link, int keyId, boolean activated, long nowNs) {
    Peer peer = peers.get(nodeId);
    if (peer == null || peer.link != link || peer.state != State.UP) {
      return;
    }
    if (self < nodeId) {
      if (peer.pending != null && peer.pending.keyId() == keyId) {
        effects.send(nodeId, peer.pending);
      }
    } else if (!activated) {
      peer.installed = true;
      effects.send(nodeId, step(peer, Step.INSTALLED, keyId));
    } else {
      peer.keyId = keyId;
      peer.nextKeys = null;
      effects.send(nodeId, step(peer, Step.ACTIVATED, keyId));
    }
  }

  int keyId(long nodeId) {
    return peers.get(nodeId).keyId;
  }

  private Rekey step(Peer peer, Step step) {
    return step(peer, step, peer.pending.keyId());
  }

  private Rekey step(Peer peer, Step step, int keyId) {
    return new Rekey(lives(peer), peer.link, keyId, step, new byte[0], new byte[0]);
  }

  private Lives lives(Peer peer) {
    return new Lives(self, incarnation, peer.incarnation);
  }
}
