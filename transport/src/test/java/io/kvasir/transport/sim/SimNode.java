package io.kvasir.transport.sim;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.Lane;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Region;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.crypto.LinkCiphers;
import io.kvasir.transport.frame.FrameReader;
import io.kvasir.transport.frame.FrameWriter;
import io.kvasir.transport.protocol.Link;
import io.kvasir.transport.protocol.Peer;
import io.kvasir.transport.protocol.RegionTable;
import io.kvasir.transport.protocol.TransportCore;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A node of a simulated cluster: the production core, a region for what it owns, a region for what
 * it receives. A crash forgets everything but the memory's size; a restart has another incarnation.
 */
public final class SimNode implements BlockSink {
  final int index;
  private final SimScheduler scheduler;
  private final SimNetwork network;
  private final MemorySegment ownMemory;
  private final MemorySegment placeMemory;
  private final int slotBytes;
  private final int maxFrameBytes;
  private final boolean sealed;
  private final Map<BlockKey, SealedBlock> blocks = new HashMap<>();
  private final ArrayDeque<Integer> freePlaces = new ArrayDeque<>();
  private final Map<Integer, Peer> peers = new HashMap<>();
  private final Map<Integer, FrameReader[]> readers = new HashMap<>();
  private final UnsafeBuffer arrived = new UnsafeBuffer(new byte[0]);
  private TransportConfig config;
  private TransportCounters counters;
  private RegionTable regions;
  private Region own;
  private Region places;
  private TransportCore core;
  private boolean alive;
  private long pausedUntilNs;
  private long deliveries;
  private Consumer<Lane> whileStaging = lane -> {};
  private PlaceListener placeListener = (offer, slot, verdict) -> {};

  /** Hears how blocks pushed to a node end. */
  @FunctionalInterface
  public interface PlaceListener {
    /** The slot can still be read here. */
    void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict);
  }

  SimNode(
      int index,
      SimScheduler scheduler,
      SimNetwork network,
      MemorySegment ownMemory,
      MemorySegment placeMemory,
      int slotBytes,
      int maxFrameBytes,
      boolean sealed) {
    this.index = index;
    this.scheduler = scheduler;
    this.network = network;
    this.ownMemory = ownMemory;
    this.placeMemory = placeMemory;
    this.slotBytes = slotBytes;
    this.maxFrameBytes = maxFrameBytes;
    this.sealed = sealed;
  }

  void start(TransportConfig configuration) {
    config = configuration;
    counters = new TransportCounters();
    regions = new RegionTable();
    own = regions.add(id -> new Region(id, ownMemory, slotBytes));
    places = regions.add(id -> new Region(id, placeMemory, slotBytes));
    blocks.clear();
    freePlaces.clear();
    for (int slot = 0; slot < places.slotCount(); slot++) {
      freePlaces.add(slot);
    }
    peers.clear();
    readers.clear();
    core =
        new TransportCore(
            config,
            counters,
            regions,
            (peer, key) -> blocks.get(key),
            this,
            e -> {
              throw new AssertionError(e);
            },
            scheduler.nowNs());
    alive = true;
    pausedUntilNs = 0;
    network.attach(index, this::onFrame);
  }

  /** Dies at once: nothing is sent any more, nothing ends in order. */
  public void crash() {
    alive = false;
    network.attach(index, null);
  }

  /** Stops running for a while; what arrives meanwhile waits. */
  public void pause(long durationNs) {
    pausedUntilNs = scheduler.elapsedNs() + durationNs;
  }

  /** Whether it runs. */
  public boolean alive() {
    return alive;
  }

  boolean paused() {
    return scheduler.elapsedNs() < pausedUntilNs;
  }

  /** Virtual time since its last pause ended; negative while it is paused. */
  long runningForNs() {
    return scheduler.elapsedNs() - pausedUntilNs;
  }

  void meet(SimNode other) {
    long peerIncarnation = other.config.incarnation();
    LinkCiphers ciphers =
        sealed
            ? new LinkCiphers(
                new LinkKeys(
                    1,
                    secret(config.incarnation(), peerIncarnation),
                    secret(peerIncarnation, config.incarnation())))
            : null;
    FrameReader[] lanes = new FrameReader[Lane.values().length];
    for (Lane lane : Lane.values()) {
      lanes[lane.index()] =
          new FrameReader(
              config.incarnation(),
              peerIncarnation,
              ciphers == null ? null : ciphers.receiving(lane));
    }
    readers.put(other.index, lanes);
    SimLink link = new SimLink(other.index, ciphers);
    peers.put(other.index, core.addPeer(other.config.nodeId(), peerIncarnation, link));
  }

  /** What the nodes' authenticated channel would agree on: fresh for each pair of lives. */
  private static byte[] secret(long from, long to) {
    byte[] secret = new byte[LinkKeys.SECRET_BYTES];
    new SplittableRandom(from * 31 + to).nextBytes(secret);
    return secret;
  }

  private void onFrame(int from, Lane lane, byte[] frame) {
    if (paused()) {
      long waitNs = pausedUntilNs - scheduler.elapsedNs();
      scheduler.schedule(waitNs, () -> redeliver(from, lane, frame));
      return;
    }
    Peer peer = peers.get(from);
    FrameReader reader = readers.containsKey(from) ? readers.get(from)[lane.index()] : null;
    if (peer == null || reader == null) {
      return;
    }
    arrived.wrap(frame);
    TransportCounter refusal = reader.open(arrived, 0, frame.length);
    if (refusal != null) {
      counters.increment(refusal);
      return;
    }
    core.onFrame(peer, lane, reader, scheduler.nowNs());
    core.doWork(scheduler.nowNs());
  }

  private void redeliver(int from, Lane lane, byte[] frame) {
    if (alive) {
      onFrame(from, lane, frame);
    }
  }

  void cycle() {
    if (alive && !paused()) {
      core.doWork(scheduler.nowNs());
    }
  }

  /** The network tells that the way from another node is gone. */
  public void loseLink(int other) {
    if (alive && peers.containsKey(other)) {
      core.onLinkLost(peers.get(other), scheduler.nowNs());
    }
  }

  /** Seals what lies in a slot of the own region and serves it to pulls. */
  public SealedBlock seal(BlockKey key, int slot, int lengthBytes, int layerCount, int encoding) {
    SealedBlock block = SealedBlock.seal(key, own, slot, lengthBytes, layerCount, encoding);
    blocks.put(key, block);
    return block;
  }

  /** A place for a pull, or null when all are taken. */
  public BlockRef takePlace() {
    Integer slot = freePlaces.poll();
    return slot == null ? null : places.ref(slot);
  }

  /** Gives a place back. */
  public void freePlace(BlockRef place) {
    places.renew(place.slot());
    freePlaces.add(place.slot());
  }

  @Override
  public Placement place(BlockOffer offer) {
    BlockRef place = takePlace();
    return place == null ? Placement.refuse(Refusal.NO_SPACE) : Placement.at(place);
  }

  @Override
  public void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict) {
    placeListener.onVerdict(offer, slot, verdict);
    deliveries += verdict.delivered() ? 1 : 0;
    freePlace(slot);
  }

  /** Hears how blocks pushed to this node end. */
  public void onPlaced(PlaceListener listener) {
    placeListener = listener;
  }

  /** Runs after a frame's bytes were copied and before it is committed. */
  public void whileStaging(Consumer<Lane> action) {
    whileStaging = action;
  }

  /** Blocks pushed to this node and delivered. */
  public long deliveries() {
    return deliveries;
  }

  /** The node's core. */
  public TransportCore core() {
    return core;
  }

  /** The node's counters of this life. */
  public TransportCounters counters() {
    return counters;
  }

  /** The node as seen by this one. */
  public Peer peer(int other) {
    return peers.get(other);
  }

  /** Region of what it owns. */
  public Region own() {
    return own;
  }

  /** Region of what it receives. */
  public Region places() {
    return places;
  }

  /** Places not given out. */
  public int freePlaceCount() {
    return freePlaces.size();
  }

  /** Leases held over all regions. */
  public long leaseCount() {
    return regions.leaseCount();
  }

  /** Configuration of this life. */
  public TransportConfig config() {
    return config;
  }

  /** Writes frames as production does and hands them to the network. */
  private final class SimLink implements Link {
    private final int to;
    private final FrameWriter[] writers = new FrameWriter[Lane.values().length];
    private int publication;
    private byte[] staged;
    private Lane stagedLane;

    SimLink(int to, LinkCiphers ciphers) {
      this.to = to;
      for (Lane lane : Lane.values()) {
        writers[lane.index()] = new FrameWriter(ciphers == null ? null : ciphers.sending(lane));
      }
    }

    @Override
    public int stage(
        Lane lane,
        DirectBuffer head,
        int headBytes,
        DirectBuffer payload,
        int payloadOffset,
        int payloadBytes) {
      if (network.backPressured(index, to)) {
        return scheduler.random().nextInt(8) == 0 ? ADMIN_ACTION : BACK_PRESSURED;
      }
      FrameWriter writer = writers[lane.index()];
      staged = new byte[headBytes + payloadBytes + writer.overheadBytes()];
      stagedLane = lane;
      writer.write(
          new UnsafeBuffer(staged), 0, head, headBytes, payload, payloadOffset, payloadBytes);
      whileStaging.accept(lane);
      return 0;
    }

    @Override
    public void commit() {
      network.send(index, to, stagedLane, staged);
      staged = null;
    }

    @Override
    public void abort() {
      staged = null;
    }

    @Override
    public int maxFrameBytes(Lane lane) {
      return maxFrameBytes - writers[lane.index()].overheadBytes();
    }

    @Override
    public void reset() {
      staged = null;
      publication++;
      for (FrameWriter writer : writers) {
        writer.publication(publication);
      }
    }
  }
}
