package io.kvasir.transport.protocol;

import io.kvasir.transport.Lane;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Verdict;
import java.util.ArrayList;
import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * One peer: its link, handshake, transfers and the order in which they send. All of a peer's state
 * is bounded: transfers by the configured limit, notices of ended transfers by {@link
 * #MAX_NOTICES}; frames are never queued.
 */
public final class Peer {
  /** Notices that wait for the control lane; older ones give way (the other side has deadlines). */
  private static final int MAX_NOTICES = 128;

  private final TransportCore core;
  private final long nodeId;
  private final long incarnation;
  private final Link link;
  private final Handshake handshake;
  private final Long2ObjectHashMap<Outgoing> outgoingById = new Long2ObjectHashMap<>();
  private final Long2ObjectHashMap<Incoming> incomingById = new Long2ObjectHashMap<>();
  private final ArrayList<Outgoing> outgoing = new ArrayList<>();
  private final ArrayList<Incoming> incoming = new ArrayList<>();
  private final long[] noticeIds = new long[MAX_NOTICES];
  private final byte[] noticeCodes = new byte[MAX_NOTICES];
  private final boolean[] noticeToSource = new boolean[MAX_NOTICES];
  private int noticeHead;
  private int noticeCount;
  private final SendOrder sending = new SendOrder(this, outgoing);
  private final long[] notConnectedSinceNs = new long[Lane.values().length];
  private final boolean[] notConnected = new boolean[Lane.values().length];
  private long lastHeardNs;
  private long lastUsedNs;
  private boolean linkUsed;
  private boolean linkBroken;

  Peer(TransportCore core, long nodeId, long incarnation, Link link, long nowNs) {
    this.core = core;
    this.nodeId = nodeId;
    this.incarnation = incarnation;
    this.link = link;
    this.handshake = new Handshake(this);
    this.lastUsedNs = nowNs;
  }

  TransportCore core() {
    return core;
  }

  /** The peer's node id. */
  public long nodeId() {
    return nodeId;
  }

  /** The peer's incarnation; frames of any other are refused. */
  public long incarnation() {
    return incarnation;
  }

  /** The way to the peer. */
  public Link link() {
    return link;
  }

  /** Whether the peer accepted our handshake and transfers may flow. */
  public boolean ready() {
    return handshake.accepted();
  }

  /** Why the peer refused us or we refused it, or null. */
  public String refusalSentence() {
    return handshake.refusalSentence();
  }

  Handshake handshake() {
    return handshake;
  }

  /** Transfers in the tables, finished ones that linger included. */
  public int transferCount() {
    return outgoing.size() + incoming.size();
  }

  Outgoing outgoing(long id) {
    return outgoingById.get(id);
  }

  int outgoingCount() {
    return outgoing.size();
  }

  Outgoing outgoingAt(int place) {
    return outgoing.get(place);
  }

  Incoming incoming(long id) {
    return incomingById.get(id);
  }

  boolean full(ArrayList<?> table) {
    return table.size() >= core.config().limits().maxTransfersPerPeer();
  }

  boolean outgoingFull() {
    return full(outgoing);
  }

  boolean incomingFull() {
    return full(incoming);
  }

  void add(Outgoing transfer, long nowNs) {
    used(nowNs);
    outgoingById.put(transfer.id, transfer);
    outgoing.add(transfer);
  }

  void add(Incoming transfer, long nowNs) {
    used(nowNs);
    incomingById.put(transfer.id, transfer);
    incoming.add(transfer);
  }

  void removeOutgoing(Outgoing transfer) {
    if (outgoingById.get(transfer.id) == transfer) {
      outgoingById.remove(transfer.id);
      outgoing.remove(transfer);
    }
  }

  void removeIncoming(Incoming transfer) {
    if (incomingById.get(transfer.id) == transfer) {
      incomingById.remove(transfer.id);
      incoming.remove(transfer);
    }
  }

  void used(long nowNs) {
    if (!active()) {
      lastHeardNs = nowNs;
    }
    lastUsedNs = nowNs;
  }

  void heard(long nowNs) {
    lastHeardNs = nowNs;
  }

  private boolean active() {
    if (!outgoing.isEmpty()) {
      return true;
    }
    for (int i = 0; i < incoming.size(); i++) {
      if (!incoming.get(i).ended()) {
        return true;
      }
    }
    return false;
  }

  /** Puts a notice about an ended or unknown transfer in line for the control lane. */
  void closeOther(long id, int code, boolean toSource) {
    for (int i = 0; i < noticeCount; i++) {
      int at = (noticeHead + i) % MAX_NOTICES;
      if (noticeIds[at] == id && noticeToSource[at] == toSource) {
        return;
      }
    }
    int at = (noticeHead + noticeCount) % MAX_NOTICES;
    noticeIds[at] = id;
    noticeCodes[at] = (byte) code;
    noticeToSource[at] = toSource;
    if (noticeCount == MAX_NOTICES) {
      noticeHead = (noticeHead + 1) % MAX_NOTICES;
    } else {
      noticeCount++;
    }
  }

  /** One bounded slice of sending; returns work done. */
  int doWork(long nowNs) {
    boolean wanted =
        noticeCount > 0 || active() || handshake.answerDue() || core.groups().wants(this);
    boolean answersDue = ready() && !incoming.isEmpty();
    if (!wanted && !answersDue) {
      return 0;
    }
    if (!handshake.flush(nowNs) || !ready()) {
      breakIfNeeded(nowNs);
      return 0;
    }
    int work = 0;
    if (flushControl(nowNs)) {
      work = sending.send(nowNs);
    }
    breakIfNeeded(nowNs);
    return work;
  }

  private boolean flushControl(long nowNs) {
    while (noticeCount > 0) {
      ControlWriter writer = core.writer();
      writer.close.wrapAndApplyHeader(writer.frame, 0, writer.begin(this));
      writer
          .close
          .transferId(noticeIds[noticeHead])
          .code(noticeCodes[noticeHead])
          .toSource(noticeToSource[noticeHead] ? (short) 1 : 0)
          .reserved(0)
          .reserved2(0);
      if (writer.send(this, Lane.CONTROL, writer.close.encodedLength()) < 0) {
        return false;
      }
      noticeHead = (noticeHead + 1) % MAX_NOTICES;
      noticeCount--;
    }
    for (int i = incoming.size() - 1; i >= 0; i--) {
      if (!incoming.get(i).flushControl(nowNs)) {
        return false;
      }
    }
    for (int i = outgoing.size() - 1; i >= 0; i--) {
      if (!outgoing.get(i).flushControl(nowNs)) {
        return false;
      }
    }
    return true;
  }

  void sendVectors(long nowNs) {
    if (ready()) {
      core.groups().flush(this, nowNs);
    }
  }

  /** Deadlines, repetition, silence, idleness. */
  void onTick(long nowNs) {
    for (int i = outgoing.size() - 1; i >= 0; i--) {
      if (i < outgoing.size()) {
        outgoing.get(i).onTick(nowNs);
      }
    }
    for (int i = incoming.size() - 1; i >= 0; i--) {
      if (i < incoming.size()) {
        incoming.get(i).onTick(nowNs);
      }
    }
    TransportConfig.Timeouts timeouts = core.config().timeouts();
    if (active()) {
      if (ready() && nowNs - lastHeardNs >= timeouts.peerNs()) {
        lose(nowNs);
      } else if (!ready() && handshake.overdue(nowNs)) {
        lose(nowNs);
      }
    } else if (linkUsed
        && incoming.isEmpty()
        && noticeCount == 0
        && !core.groups().wants(this)
        && nowNs - lastUsedNs >= timeouts.idleNs()) {
      closeIdle();
    }
  }

  /**
   * The way from the peer is gone. A connection that stood is lost with its transfers; without one,
   * what waits for a connection goes on waiting, but pushes of the peer have lost their source.
   */
  void onLinkLost(long nowNs) {
    if (ready()) {
      lose(nowNs);
      return;
    }
    for (int i = incoming.size() - 1; i >= 0; i--) {
      if (!incoming.get(i).pulled) {
        incoming.get(i).end(Verdict.PEER_LOST, nowNs);
      }
    }
    if (linkUsed && !active()) {
      resetLink();
    }
  }

  private void closeIdle() {
    ControlWriter writer = core.writer();
    writer.goodbye.wrapAndApplyHeader(writer.frame, 0, writer.begin(this));
    writer.goodbye.code((short) 0).reserved((short) 0).reserved2(0).reserved3(0);
    writer.send(this, Lane.CONTROL, writer.goodbye.encodedLength());
    count(TransportCounter.IDLE_CLOSES);
    resetLink();
  }

  private void breakIfNeeded(long nowNs) {
    if (linkBroken || notConnectedTooLong(nowNs)) {
      lose(nowNs);
    }
  }

  private boolean notConnectedTooLong(long nowNs) {
    for (int lane = 0; lane < notConnected.length; lane++) {
      if (notConnected[lane]
          && nowNs - notConnectedSinceNs[lane] >= core.config().timeouts().connectNs()) {
        return true;
      }
    }
    return false;
  }

  /** The medium, the incarnation or the patience with the peer is gone: everything open ends. */
  void lose(long nowNs) {
    if (active() || ready()) {
      count(TransportCounter.PEERS_LOST);
    }
    endAll(Verdict.PEER_LOST, nowNs);
    core.groups().onPeerLost(this);
    resetLink();
  }

  /** Ends every transfer with a code and forgets lingering ones. */
  void endAll(int code, long nowNs) {
    while (!outgoing.isEmpty()) {
      outgoing.get(outgoing.size() - 1).end(code, nowNs);
    }
    for (int i = incoming.size() - 1; i >= 0; i--) {
      incoming.get(i).end(code, nowNs);
    }
    incoming.clear();
    incomingById.clear();
    noticeCount = 0;
  }

  void releaseLeases() {
    outgoing.forEach(Outgoing::releaseLeases);
    incoming.forEach(Incoming::releaseLeases);
  }

  private void resetLink() {
    handshake.reset();
    link.reset();
    linkUsed = false;
    linkBroken = false;
    Arrays.fill(notConnected, false);
    lastHeardNs = core.nowNs();
  }

  /** The peer accepted us: what was waiting or may be lost is sent (again). */
  void onReady(long nowNs) {
    count(TransportCounter.PEERS_CONNECTED);
    lastHeardNs = nowNs;
    for (int i = 0; i < outgoing.size(); i++) {
      outgoing.get(i).onPeerReady(nowNs);
    }
    for (int i = 0; i < incoming.size(); i++) {
      incoming.get(i).onPeerReady(nowNs);
    }
  }

  void onRefused(Refusal refusal, long nowNs) {
    count(TransportCounter.HANDSHAKES_REFUSED);
    endAll(refusal.code(), nowNs);
  }

  int maxFrameBytes(Lane lane) {
    return link.maxFrameBytes(lane);
  }

  int stage(Lane lane, DirectBuffer head, int headBytes, DirectBuffer payload, int at, int bytes) {
    int code = link.stage(lane, head, headBytes, payload, at, bytes);
    linkUsed = true;
    if (code >= 0) {
      notConnected[lane.index()] = false;
      return code;
    }
    switch (code) {
      case Link.BACK_PRESSURED -> count(TransportCounter.BACK_PRESSURED);
      case Link.ADMIN_ACTION -> count(TransportCounter.ADMIN_ACTIONS);
      case Link.NOT_CONNECTED -> {
        count(TransportCounter.NOT_CONNECTED);
        if (!notConnected[lane.index()]) {
          notConnected[lane.index()] = true;
          notConnectedSinceNs[lane.index()] = core.nowNs();
        }
      }
      case Link.MAX_POSITION_EXCEEDED -> {
        count(TransportCounter.MAX_POSITION);
        linkBroken = true;
      }
      default -> {
        count(TransportCounter.PUBLICATIONS_CLOSED);
        linkBroken = true;
      }
    }
    return code;
  }

  void commit(Lane lane, int bytes) {
    link.commit();
    count(TransportCounter.FRAMES_SENT);
    core.counters().add(TransportCounter.bytesSent(lane), bytes);
    if (lane != Lane.CONTROL) {
      lastUsedNs = core.nowNs();
    }
  }

  void abort() {
    link.abort();
  }

  int send(Lane lane, DirectBuffer head, int headBytes, DirectBuffer payload, int at, int bytes) {
    int code = stage(lane, head, headBytes, payload, at, bytes);
    if (code >= 0) {
      commit(lane, headBytes + bytes);
    }
    return code;
  }

  void count(TransportCounter counter) {
    core.counters().increment(counter);
  }

  void countVerdict(int code) {
    count(
        switch (code) {
          case Verdict.DELIVERED -> TransportCounter.BLOCKS_DELIVERED;
          case Verdict.TIMED_OUT -> TransportCounter.BLOCKS_TIMED_OUT;
          case Verdict.PEER_LOST -> TransportCounter.BLOCKS_PEER_LOST;
          default -> TransportCounter.BLOCKS_REFUSED;
        });
  }
}
