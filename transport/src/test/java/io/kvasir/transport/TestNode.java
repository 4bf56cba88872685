package io.kvasir.transport;

import io.kvasir.transport.media.Medium;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * A node for tests: a transport, a region it serves blocks from, a region that pushes land in.
 * Checks at its end that no lease is left.
 */
public final class TestNode implements AutoCloseable, BlockSink {
  public static final int ENCODING = 5;

  private static final AtomicLong INCARNATIONS = new AtomicLong(System.nanoTime());

  public final BlockTransport transport;
  public final Region own;
  public final Region places;
  public final ConcurrentHashMap<BlockKey, SealedBlock> blocks = new ConcurrentHashMap<>();
  public final ConcurrentHashMap<BlockKey, BlockRef> arrived = new ConcurrentHashMap<>();
  public final Queue<Throwable> errors = new ConcurrentLinkedQueue<>();
  private final Queue<Integer> free = new ConcurrentLinkedQueue<>();
  private final Arena arena = Arena.ofShared();

  public TestNode(
      long nodeId,
      Function<TransportCounters, Medium> medium,
      Transports.Options options,
      Function<TransportConfig, TransportConfig> tune,
      int slotBytes,
      int slotCount) {
    Transports.Options recording =
        new Transports.Options(options.encryption(), options.idle(), options.clock(), errors::add);
    this.transport =
        Transports.start(
            tune.apply(TransportConfig.of(nodeId, INCARNATIONS.incrementAndGet())),
            medium,
            (peer, key) -> blocks.get(key),
            this,
            recording);
    long bytes = (long) slotBytes * slotCount;
    this.own = transport.register(arena.allocate(bytes, 64), slotBytes);
    this.places = transport.register(arena.allocate(bytes, 64), slotBytes);
    for (int slot = 0; slot < slotCount; slot++) {
      free.add(slot);
    }
  }

  /** Lets both nodes know each other. */
  public static void introduce(TestNode one, TestNode other, LinkKeys keys) {
    Invitation fromOne = one.transport.invite(other.transport.nodeId());
    Invitation fromOther = other.transport.invite(one.transport.nodeId());
    LinkKeys turned =
        keys == null ? null : new LinkKeys(keys.keyId(), keys.receiveSecret(), keys.sendSecret());
    await(one.transport.connect(fromOther, keys));
    await(other.transport.connect(fromOne, turned));
  }

  private static <T> T await(CompletableFuture<T> future) {
    return future.orTimeout(30, TimeUnit.SECONDS).join();
  }

  /** Fills a slot with bytes that follow from the key, and seals it. */
  public SealedBlock seal(BlockKey key, int slot, int lengthBytes, int layerCount) {
    MemorySegment bytes = bytesOf(own, slot, 0, lengthBytes);
    fill(bytes, key);
    SealedBlock block = SealedBlock.seal(key, own, slot, lengthBytes, layerCount, ENCODING);
    blocks.put(key, block);
    return block;
  }

  private static void fill(MemorySegment bytes, BlockKey key) {
    long state = key.low() * 0x9E3779B97F4A7C15L + key.high();
    long whole = bytes.byteSize() / 8 * 8;
    for (long at = 0; at < whole; at += 8) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, at, state);
    }
    for (long at = whole; at < bytes.byteSize(); at++) {
      bytes.set(ValueLayout.JAVA_BYTE, at, (byte) (state >>> 8 * (at & 7)));
    }
  }

  /** Bytes of a slot. */
  public static MemorySegment bytesOf(Region region, int slot, long offset, long length) {
    return region.memory().asSlice((long) slot * region.slotBytes() + offset, length);
  }

  /** Whether two nodes hold equal bytes. */
  public static boolean equal(
      Region one, int slot, Region other, int otherSlot, long offset, long length) {
    return bytesOf(one, slot, offset, length).mismatch(bytesOf(other, otherSlot, offset, length))
        == -1;
  }

  @Override
  public Placement place(BlockOffer offer) {
    Integer slot = free.poll();
    return slot == null ? Placement.refuse(Refusal.NO_SPACE) : Placement.at(places.ref(slot));
  }

  @Override
  public void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict) {
    if (verdict.delivered()) {
      arrived.put(offer.key(), slot);
    } else {
      free.add(slot.slot());
    }
  }

  /** Frees all places. */
  public void forgetArrived() {
    arrived.values().forEach(ref -> free.add(ref.slot()));
    arrived.clear();
  }

  public int freePlaces() {
    return free.size();
  }

  public long count(TransportCounter counter) {
    return transport.counters().get(counter);
  }

  @Override
  public void close() {
    transport.close();
    own.close().orTimeout(10, TimeUnit.SECONDS).join();
    places.close().orTimeout(10, TimeUnit.SECONDS).join();
    if (transport.leaseCount() != 0) {
      throw new AssertionError("leases left: " + transport.leaseCount());
    }
    arena.close();
    if (!errors.isEmpty()) {
      throw new AssertionError("the agent met errors", errors.peek());
    }
  }
}
