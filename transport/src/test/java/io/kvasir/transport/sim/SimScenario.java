package io.kvasir.transport.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.LayerRange;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Region;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.protocol.CoreTransfer;
import io.kvasir.transport.protocol.Peer;
import io.kvasir.transport.protocol.TransferListener;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * One seeded run: random transfers under random faults, crashes, pauses and slot reuse; then the
 * network heals and everything must be delivered, ended and released.
 */
final class SimScenario {
  private static final byte CANARY = (byte) 0xA5;
  private static final MemorySegment UNTOUCHED =
      Arena.global().allocate((long) SimCluster.SLOTS * SimCluster.SLOT_BYTES).fill(CANARY);
  private static final int ENCODING = 3;
  private static final long MS = 1_000_000L;
  private static final TransportConfig.Limits LIMITS =
      new TransportConfig.Limits(8 << 10, 8, 24, 256, 8 << 10, 64, 4, 64 << 10);
  private static final TransportConfig.Timeouts TIMEOUTS =
      new TransportConfig.Timeouts(10 * MS, MS, 80 * MS, 80 * MS, 150 * MS, 60 * MS, MS);

  /** What is wrong with a run. */
  enum Kind {
    /** The medium has faults. */
    PLAIN,
    /** The medium has faults and every frame is encrypted. */
    SEALED,
    /** Peers say wrong things over a good medium. */
    LYING
  }

  private final Kind kind;
  private final SimCluster cluster;
  private final SimGroup group;
  private final SplittableRandom random;
  private final Map<BlockKey, byte[]> contents = new HashMap<>();
  private final List<Started> started = new ArrayList<>();
  private int nextSlot;
  private long nextKey;
  int deliveredCount;
  int verdictCount;

  /** A transfer of the run and what is to be known of it. */
  private static final class Started implements TransferListener {
    private final SimNode node;
    private final long incarnation;
    private final byte[] codes;
    private boolean ended;
    private CoreTransfer transfer;
    private BlockEnd blockEnd = (index, code) -> {};

    Started(SimNode node, int count) {
      this.node = node;
      this.incarnation = node.config().incarnation();
      this.codes = new byte[count];
    }

    @Override
    public void onBlock(int index, int code) {
      assertEquals(0, codes[index], "a block got two verdicts");
      assertTrue(code != 0, "a verdict is a decision");
      codes[index] = (byte) code;
      blockEnd.onEnd(index, code);
    }

    @Override
    public void onEnd(byte[] all, long deliveredBytes, long durationNs) {
      assertTrue(!ended, "a transfer ended twice");
      ended = true;
      assertEquals(codes.length, all.length);
      for (int i = 0; i < all.length; i++) {
        assertEquals(codes[i], all[i], "the end repeats the verdicts");
      }
    }

    boolean overtaken() {
      return !node.alive() || node.config().incarnation() != incarnation;
    }
  }

  @FunctionalInterface
  private interface BlockEnd {
    void onEnd(int index, int code);
  }

  SimScenario(long seed, Kind kind) {
    this.kind = kind;
    SplittableRandom random = new SplittableRandom(seed * 31);
    SimCluster.Shape shape =
        new SimCluster.Shape(
            2 + random.nextInt(2), 1024 + 256 * random.nextInt(8), kind == Kind.SEALED);
    this.cluster = new SimCluster(seed, shape, LIMITS, TIMEOUTS, this::requireBounds);
    boolean grouped = kind != Kind.LYING && random.nextInt(8) == 0;
    this.group = grouped ? new SimGroup(cluster) : null;
    this.random = cluster.scheduler().random();
    for (SimNode node : cluster.nodes()) {
      node.places().memory().fill(CANARY);
      prepare(node);
    }
  }

  /** After every event: what a node keeps for its peers stays within the limits. */
  private void requireBounds() {
    for (SimNode node : cluster.nodes()) {
      int peers = cluster.nodes().size() - 1;
      assertTrue(
          node.core().transferCount() <= 2 * peers * LIMITS.maxTransfersPerPeer(),
          "more transfers than the limit");
    }
  }

  private void prepare(SimNode node) {
    node.onPlaced(
        (offer, slot, verdict) -> {
          // What a lying source pushes is proven against its own words only.
          if (verdict.delivered() && kind != Kind.LYING) {
            check(node.places(), slot, offer.key(), offer.layers(), offer.layerCount());
          }
          wipe(node, slot);
        });
  }

  private static boolean untouched(MemorySegment bytes) {
    return bytes.mismatch(UNTOUCHED.asSlice(0, bytes.byteSize())) == -1;
  }

  private void wipe(SimNode node, BlockRef slot) {
    node.places()
        .memory()
        .asSlice((long) slot.slot() * SimCluster.SLOT_BYTES, SimCluster.SLOT_BYTES)
        .fill(CANARY);
  }

  /** Nobody lies: what arrives is what was offered, or nothing. */
  private void requireHonest(int code) {
    assertTrue(
        kind == Kind.LYING || code != Refusal.MISMATCH.code(), "an honest frame was refused");
  }

  /** The delivered layers are the sealed bytes; the rest of the slot is untouched. */
  private void check(Region region, BlockRef slot, BlockKey key, LayerRange layers, int count) {
    byte[] sealed = contents.get(key);
    MemorySegment place =
        region.memory().asSlice((long) slot.slot() * SimCluster.SLOT_BYTES, SimCluster.SLOT_BYTES);
    int from = layers.limit() == 0 ? 0 : sealed.length / count * layers.first();
    int to = layers.limit() == 0 ? sealed.length : sealed.length / count * layers.limit();
    long differs = MemorySegment.mismatch(place, from, to, MemorySegment.ofArray(sealed), from, to);
    assertEquals(-1, differs, "a delivered block differs from the sealed one");
    assertTrue(
        untouched(place.asSlice(0, from)) && untouched(place.asSlice(to)),
        "a byte outside was written");
  }

  void run(double weight, boolean crashes) {
    int operations = 4 + random.nextInt(8);
    for (int i = 0; i < operations; i++) {
      cluster.scheduler().schedule(random.nextLong(150 * MS), () -> startRandom(500 * MS));
    }
    int disturbances = weight == 0 ? 0 : 1 + random.nextInt(5);
    for (int i = 0; i < disturbances; i++) {
      long atNs = random.nextLong(150 * MS);
      cluster.scheduler().schedule(atNs, () -> disturb(weight, crashes));
    }
    cluster.scheduler().runFor(300 * MS);
    cluster.heal();
    for (SimNode node : cluster.nodes()) {
      if (!node.alive()) {
        restart(node);
      }
    }
    cluster.scheduler().runFor(700 * MS);
    requireAllEnded();
    if (kind == Kind.LYING) {
      cluster.reconnect();
    } else if (kind == Kind.SEALED) {
      assertEquals(
          0, count(TransportCounter.CHECKSUM_FAILURES), "a block was read while it was written");
    }
    long completed = group == null ? 0 : group.completedCount();
    requireProgress();
    assertTrue(
        group == null || group.completedCount() > completed + 10, "collectives make no progress");
    cluster.scheduler().runFor(200 * MS);
    requireNothingHeld();
  }

  private void disturb(double weight, boolean crashes) {
    int from = random.nextInt(cluster.nodes().size());
    int to = (from + 1 + random.nextInt(cluster.nodes().size() - 1)) % cluster.nodes().size();
    SimNode node = cluster.node(from);
    switch (random.nextInt(crashes ? 6 : 4)) {
      case 0, 1 ->
          cluster
              .network()
              .faults(
                  from, to, kind == Kind.LYING ? SimFaults.lying(weight) : SimFaults.mixed(weight));
      case 2 -> cluster.network().faults(from, to, SimFaults.PARTITION);
      case 3 -> node.pause(random.nextLong(150 * MS));
      case 4 -> {
        node.crash();
        if (random.nextBoolean()) {
          cluster.node(to).loseLink(from);
        }
      }
      default -> {
        node.crash();
        restart(node);
      }
    }
  }

  private void restart(SimNode node) {
    cluster.restart(node.index);
    node.places().memory().fill(CANARY);
    prepare(node);
  }

  private SealedBlock newBlock(SimNode node) {
    int layers = 1 + random.nextInt(4);
    int layerBytes = 1 + random.nextInt(SimCluster.SLOT_BYTES / layers);
    int slot = nextSlot++ % SimCluster.SLOTS;
    byte[] content = new byte[layers * layerBytes];
    random.nextBytes(content);
    // The owner's rule: end the old content's life before the slot is written again.
    node.own().renew(slot);
    MemorySegment.copy(
        MemorySegment.ofArray(content),
        0,
        node.own().memory(),
        (long) slot * SimCluster.SLOT_BYTES,
        content.length);
    BlockKey key = new BlockKey(node.index, nextKey++);
    contents.put(key, content);
    return node.seal(key, slot, content.length, layers, ENCODING);
  }

  private LayerRange randomLayers(SealedBlock block) {
    if (random.nextBoolean()) {
      return LayerRange.ALL;
    }
    int first = random.nextInt(block.layerCount());
    return new LayerRange(first, first + 1 + random.nextInt(block.layerCount() - first));
  }

  private Started startRandom(long maxDeadlineNs) {
    int from = random.nextInt(cluster.nodes().size());
    int to = (from + 1 + random.nextInt(cluster.nodes().size() - 1)) % cluster.nodes().size();
    if (!cluster.node(from).alive() || !cluster.node(to).alive()) {
      return null;
    }
    long deadlineNs = cluster.scheduler().nowNs() + 20 * MS + random.nextLong(maxDeadlineNs);
    DeliveryClass deliveryClass =
        random.nextInt(4) == 0 ? DeliveryClass.BEST_EFFORT : DeliveryClass.REQUIRES_DELIVERY;
    Started transfer =
        random.nextBoolean()
            ? push(from, to, 1 + random.nextInt(8), deliveryClass, deadlineNs)
            : pull(from, to, 1 + random.nextInt(8), deadlineNs);
    if (random.nextInt(8) == 0) {
      cluster
          .scheduler()
          .schedule(
              random.nextLong(5 * MS),
              () -> {
                if (!transfer.overtaken()) {
                  int code = Refusal.CANCELLED.code();
                  transfer.transfer.end(code, cluster.scheduler().nowNs());
                }
              });
    }
    return transfer;
  }

  private Started push(int from, int to, int count, DeliveryClass deliveryClass, long deadlineNs) {
    SimNode node = cluster.node(from);
    List<PushBlock> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      SealedBlock block = newBlock(node);
      blocks.add(new PushBlock(block, randomLayers(block)));
    }
    Started transfer = new Started(node, count);
    Peer peer = node.peer(to);
    transfer.transfer =
        node.core()
            .push(peer, blocks, deliveryClass, deadlineNs, transfer, cluster.scheduler().nowNs());
    started.add(transfer);
    return transfer;
  }

  private Started pull(int to, int from, int count, long deadlineNs) {
    SimNode node = cluster.node(to);
    List<PullBlock> blocks = new ArrayList<>();
    List<Integer> layerCounts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      SealedBlock block = newBlock(cluster.node(from));
      BlockRef place = node.takePlace();
      if (place == null) {
        break;
      }
      BlockRef source = random.nextBoolean() ? block.ref() : null;
      blocks.add(new PullBlock(block.key(), randomLayers(block), ENCODING, place, source));
      layerCounts.add(block.layerCount());
    }
    Started transfer = new Started(node, blocks.size());
    transfer.blockEnd =
        (index, code) -> {
          PullBlock block = blocks.get(index);
          if (code == Verdict.DELIVERED) {
            check(
                node.places(),
                block.destination(),
                block.key(),
                block.layers(),
                layerCounts.get(index));
          }
          wipe(node, block.destination());
          node.freePlace(block.destination());
        };
    if (blocks.isEmpty()) {
      transfer.ended = true;
      return transfer;
    }
    transfer.transfer =
        node.core()
            .pull(node.peer(from), blocks, deadlineNs, transfer, cluster.scheduler().nowNs());
    started.add(transfer);
    return transfer;
  }

  private void requireAllEnded() {
    if (group != null) {
      group.requireNoneOverdue();
    }
    for (Started transfer : started) {
      assertTrue(transfer.ended || transfer.overtaken(), "a transfer outlived its deadline");
      for (byte code : transfer.codes) {
        requireHonest(code);
        verdictCount++;
        deliveredCount += code == Verdict.DELIVERED ? 1 : 0;
      }
    }
  }

  /** With a healthy network every pair of nodes delivers everything. */
  private void requireProgress() {
    started.clear();
    for (int from = 0; from < cluster.nodes().size(); from++) {
      for (int to = 0; to < cluster.nodes().size(); to++) {
        if (from != to) {
          long deadlineNs = cluster.scheduler().nowNs() + 400 * MS;
          push(from, to, 3, DeliveryClass.REQUIRES_DELIVERY, deadlineNs);
          pull(from, to, 3, deadlineNs);
        }
      }
    }
    cluster.scheduler().runFor(400 * MS);
    for (Started transfer : started) {
      for (byte code : transfer.codes) {
        assertEquals(Verdict.DELIVERED, code, "not delivered over a healthy network");
      }
    }
  }

  private void requireNothingHeld() {
    for (SimNode node : cluster.nodes()) {
      assertEquals(0, node.leaseCount(), "leases left");
      assertEquals(0, node.core().transferCount(), "transfers left");
      assertEquals(SimCluster.SLOTS, node.freePlaceCount(), "places left");
      assertTrue(untouched(node.places().memory()), "a place was written after its verdict");
    }
  }

  SimCluster cluster() {
    return cluster;
  }

  long collectivesCompleted() {
    return group == null ? 0 : group.completedCount();
  }

  long collectivesFailed() {
    return group == null ? 0 : group.failedCount();
  }

  /** Sum of a counter over the nodes' present lives. */
  long count(TransportCounter counter) {
    return cluster.nodes().stream().mapToLong(node -> node.counters().get(counter)).sum();
  }
}
