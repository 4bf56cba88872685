package io.kvasir.transport.protocol;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.Lane;
import io.kvasir.transport.LayerRange;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.frame.FrameReader;
import io.kvasir.transport.wire.PullDecoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * One node's protocol: commands, frames and time in; frames, verdicts and counters out. Single
 * threaded. Time is given by the caller and never read; equal inputs give equal outputs.
 *
 * <p>A cycle is: {@link #onFrame} for each frame received, then {@link #doWork} once. Frames go
 * first, so that a node that was itself paused hears its peers before it judges their silence.
 */
public final class TransportCore {
  private final TransportConfig config;
  private final TransportCounters counters;
  private final RegionTable regions;
  private final BlockSource source;
  private final BlockSink sink;
  private final Consumer<Throwable> errors;
  private boolean closing;
  private final ControlWriter writer = new ControlWriter();
  private final GroupTable groups;
  private final Dispatcher dispatcher;
  private final ArrayList<Peer> peers = new ArrayList<>();
  private final long tickNs;
  private long nextId;
  private long nowNs;
  private long lastTickNs;
  private int firstPeer;

  /**
   * @param source what peers may pull
   * @param sink where pushes of peers go
   * @param errors hears what source and sink throw
   * @param nowNs time now
   */
  public TransportCore(
      TransportConfig config,
      TransportCounters counters,
      RegionTable regions,
      BlockSource source,
      BlockSink sink,
      Consumer<Throwable> errors,
      long nowNs) {
    this.config = config;
    this.counters = counters;
    this.regions = regions;
    this.source = source;
    this.sink = sink;
    this.errors = errors;
    this.groups = new GroupTable(this);
    this.dispatcher = new Dispatcher(this);
    this.tickNs = Math.max(1, config.timeouts().ackDelayNs() / 2);
    this.nowNs = nowNs;
    this.lastTickNs = nowNs;
  }

  /** A peer that was invited; frames flow once either side wants something. */
  public Peer addPeer(long nodeId, long incarnation, Link link) {
    Peer present = peer(nodeId);
    if (present != null) {
      removePeer(present);
    }
    if (peers.size() >= config.limits().maxPeers()) {
      throw new IllegalStateException(
          "maxPeers="
              + config.limits().maxPeers()
              + " is reached; disconnect a peer or raise the limit");
    }
    Peer peer = new Peer(this, nodeId, incarnation, link, nowNs);
    peers.add(peer);
    counters.set(TransportCounter.PEERS, peers.size());
    return peer;
  }

  /** Forgets a peer; its transfers end as peer lost. */
  public void removePeer(Peer peer) {
    if (peers.contains(peer)) {
      peer.lose(nowNs);
      peers.remove(peer);
      counters.set(TransportCounter.PEERS, peers.size());
    }
  }

  /** The peer of a node id, or null. */
  public Peer peer(long nodeId) {
    for (int i = 0; i < peers.size(); i++) {
      if (peers.get(i).nodeId() == nodeId) {
        return peers.get(i);
      }
    }
    return null;
  }

  /** The way from the peer is gone: what is open with it ends as peer lost. */
  public void onLinkLost(Peer peer, long time) {
    nowNs = time;
    if (peers.contains(peer)) {
      peer.onLinkLost(time);
    }
  }

  /** Starts a push; the listener may hear verdicts before this returns. */
  public CoreTransfer push(
      Peer peer,
      List<PushBlock> blocks,
      DeliveryClass deliveryClass,
      long deadlineNs,
      TransferListener listener,
      long time) {
    nowNs = time;
    counters.increment(TransportCounter.PUSHES);
    Refusal refusal = refusal(peer, blocks.size(), peer.outgoingFull());
    if (refusal != null) {
      return refuseAll(peer, blocks.size(), refusal, listener);
    }
    Outgoing transfer =
        new Outgoing(
            peer, 2 * ++nextId, false, blocks.size(), deliveryClass, listener, time, deadlineNs);
    peer.add(transfer, time);
    for (int i = 0; i < blocks.size(); i++) {
      transfer.resolve(i, blocks.get(i).block(), blocks.get(i).layers(), 0);
    }
    return transfer;
  }

  /** Starts a pull; the listener may hear verdicts before this returns. */
  public CoreTransfer pull(
      Peer peer, List<PullBlock> blocks, long deadlineNs, TransferListener listener, long time) {
    nowNs = time;
    counters.increment(TransportCounter.PULLS);
    Refusal refusal = refusal(peer, blocks.size(), peer.incomingFull());
    if (refusal != null) {
      return refuseAll(peer, blocks.size(), refusal, listener);
    }
    Incoming transfer =
        new Incoming(peer, 2 * ++nextId + 1, blocks, blocks.size(), listener, time, deadlineNs);
    peer.add(transfer, time);
    return transfer;
  }

  private Refusal refusal(Peer peer, int blockCount, boolean full) {
    int maxBatch = Math.min(config.limits().maxBatchBlocks(), peer.handshake().peerMaxBatch());
    if (peer.handshake().refusal() != null) {
      return peer.handshake().refusal();
    }
    return blockCount > maxBatch ? Refusal.BATCH_TOO_LONG : full ? Refusal.BUSY : null;
  }

  private CoreTransfer refuseAll(
      Peer peer, int blockCount, Refusal refusal, TransferListener listener) {
    byte[] codes = new byte[blockCount];
    Arrays.fill(codes, (byte) refusal.code());
    for (int i = 0; i < blockCount; i++) {
      peer.countVerdict(refusal.code());
      listener.onBlock(i, refusal.code());
    }
    listener.onEnd(codes, 0, 0);
    return new CoreTransfer() {
      @Override
      public void end(int code, long time) {}

      @Override
      public boolean ended() {
        return true;
      }
    };
  }

  /** A frame that its reader let through. */
  public void onFrame(Peer peer, Lane lane, FrameReader frame, long time) {
    nowNs = time;
    dispatcher.onFrame(peer, frame, time);
  }

  /** One bounded slice: timers, then each peer's turn to send. Returns work done. */
  public int doWork(long time) {
    nowNs = time;
    int work = 0;
    if (time - lastTickNs >= tickNs) {
      lastTickNs = time;
      for (int i = peers.size() - 1; i >= 0; i--) {
        peers.get(i).onTick(time);
      }
      groups.onTick(time);
      counters.set(TransportCounter.TRANSFERS, transferCount());
      counters.set(TransportCounter.LEASES, regions.leaseCount());
    }
    int count = peers.size();
    firstPeer = firstPeer + 1 < count ? firstPeer + 1 : 0;
    for (int i = 0; i < count; i++) {
      int at = firstPeer + i;
      work += peers.get(at < count ? at : at - count).doWork(time);
    }
    return work;
  }

  /**
   * Sends what collectives have just been given, before frames are looked at: a member that comes
   * late would else add up first and let the others wait for it.
   */
  public void sendVectors(long time) {
    nowNs = time;
    for (int i = 0; i < peers.size(); i++) {
      peers.get(i).sendVectors(time);
    }
  }

  /** Ends everything as closed. */
  public void close(long time) {
    nowNs = time;
    closing = true;
    for (Peer peer : peers) {
      peer.endAll(Refusal.CLOSED.code(), time);
      groups.onPeerLost(peer);
      peer.link().reset();
    }
    peers.clear();
  }

  /**
   * Lets go of all regions, whatever state an {@link Error} has left the transfers in. Call it when
   * {@link #close} has failed, after the last other call.
   */
  public void releaseLeases() {
    peers.forEach(Peer::releaseLeases);
  }

  /** Transfers in tables, finished ones that linger included. */
  public int transferCount() {
    int transfers = 0;
    for (int i = 0; i < peers.size(); i++) {
      transfers += peers.get(i).transferCount();
    }
    return transfers;
  }

  /** The collective groups. */
  public GroupTable groups() {
    return groups;
  }

  TransportConfig config() {
    return config;
  }

  TransportCounters counters() {
    return counters;
  }

  RegionTable regions() {
    return regions;
  }

  ControlWriter writer() {
    return writer;
  }

  long nowNs() {
    return nowNs;
  }

  Outgoing servePull(Peer peer, PullDecoder pull, long time) {
    int count = (int) Math.min(pull.blockCount(), Integer.MAX_VALUE);
    if (count < 1 || count > config.limits().maxBatchBlocks() || peer.outgoingFull()) {
      Refusal why = peer.outgoingFull() ? Refusal.BUSY : Refusal.BATCH_TOO_LONG;
      peer.closeOther(pull.transferId(), why.code(), false);
      return null;
    }
    counters.increment(TransportCounter.PULLS_SERVED);
    Outgoing transfer =
        new Outgoing(
            peer,
            pull.transferId(),
            true,
            count,
            DeliveryClass.REQUIRES_DELIVERY,
            TransferListener.NONE,
            time,
            time + Math.max(0, pull.deadlineNs()));
    peer.add(transfer, time);
    return transfer;
  }

  /** Finds a block of a pull, refuses it, or notes that it is waited for. */
  void resolve(Outgoing transfer, int index, Peer peer, PullDecoder.BlocksDecoder entry) {
    int first = entry.firstLayer();
    int limit = entry.layerLimit();
    boolean all = first == 0 && limit == 0;
    if (!all && limit <= first) {
      transfer.resolve(index, null, null, Refusal.LAYERS.code());
      return;
    }
    BlockRef only =
        entry.byReference() == 0
            ? null
            : new BlockRef((int) entry.region(), (int) entry.slot(), (int) entry.generation());
    resolve(
        transfer,
        index,
        peer,
        new Wanted(
            new BlockKey(entry.keyHigh(), entry.keyLow()),
            all ? LayerRange.ALL : new LayerRange(first, limit),
            (int) entry.encoding(),
            only,
            entry.patient() != 0));
  }

  /** An entry of a pull; {@code only} is the one place it may come from, or null. */
  record Wanted(BlockKey key, LayerRange layers, int encoding, BlockRef only, boolean patient) {}

  private void resolve(Outgoing transfer, int index, Peer peer, Wanted wanted) {
    SealedBlock block;
    try {
      block = source.find(peer.nodeId(), wanted.key());
    } catch (RuntimeException e) {
      errors.accept(e);
      transfer.resolve(index, null, null, Refusal.CALLER_FAILED.code());
      return;
    }
    int code = 0;
    if (block == null && wanted.patient()) {
      transfer.await(index, wanted);
      return;
    } else if (block == null) {
      code = Refusal.NOT_FOUND.code();
    } else if (block.encoding() != wanted.encoding()) {
      code = Refusal.ENCODING.code();
    } else if (wanted.only() != null && !wanted.only().equals(block.ref())) {
      code = Refusal.STALE_SOURCE.code();
    }
    transfer.resolve(index, block, wanted.layers(), code);
  }

  /** The source may know keys now that a peer's pulls wait for. */
  public void lookAgain(Peer peer, long time) {
    nowNs = time;
    for (int t = 0; t < peer.outgoingCount(); t++) {
      Outgoing transfer = peer.outgoingAt(t);
      for (int i = 0; transfer.awaits() && i < transfer.blockCount(); i++) {
        Wanted wanted = transfer.awaited(i);
        if (wanted != null) {
          resolve(transfer, i, peer, wanted);
        }
      }
    }
  }

  BlockSink.Placement place(BlockSink.BlockOffer offer) {
    try {
      return sink.place(offer);
    } catch (RuntimeException e) {
      errors.accept(e);
      return BlockSink.Placement.refuse(Refusal.CALLER_FAILED);
    }
  }

  void onVerdict(BlockSink.BlockOffer offer, BlockRef slot, int code) {
    try {
      sink.onVerdict(offer, slot, Verdict.ofCode(code));
    } catch (RuntimeException e) {
      errors.accept(e);
    } catch (Error e) {
      if (!closing) {
        throw e;
      }
      // The others' transfers still have to end.
      errors.accept(e);
    }
  }
}
