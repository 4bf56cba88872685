package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.LayerRange;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;

/**
 * Blocks in this host's memory, outside the heap. Any thread; one lock guards the bookkeeping and
 * is never held while bytes move, but for taking another piece of memory.
 *
 * <p>Bytes come in two ways: {@link #store} copies and proves them; {@link #reserve} hands out
 * slots that the device or the transport fills, and {@link Filling#commit} makes them blocks. A
 * block keeps the checksums of its sealing; they are checked when it leaves, so memory that has
 * changed is found then, dropped and counted.
 */
public final class HostTier implements BlockTier, AutoCloseable {
  /** What became of a block that somebody wants to bring in. */
  public enum Outcome {
    /** The slot is the caller's to fill. */
    RESERVED,
    /** It is here. */
    PRESENT,
    /** Somebody else is bringing it in. */
    UNDER_WAY,
    /** Every slot is in use. */
    FULL
  }

  private final BlockShape shape;
  private final int maxLeases;
  private final Executor copier;
  private final LongSupplier clock;
  private final Arena arena = Arena.ofShared();
  private final Object lock = new Object();
  private final SlotTable slots;
  private final Set<HostLease> leases = new HashSet<>();
  private final Map<BlockId, List<CompletableFuture<Void>>> waiting = new HashMap<>();
  private final CompletableFuture<Void> idle = new CompletableFuture<>();
  private int fillings;
  private int clears;
  private boolean closed;
  private long lookups;
  private long hits;
  private long stored;
  private long corrupt;
  private long full;
  private long expired;

  /**
   * An empty tier.
   *
   * @param capacityBytes most memory for blocks; taken in pieces as it fills
   * @param registrar makes memory known to the transport
   * @param copier runs copies and checks
   * @param clock monotonic, ns
   * @param listener hears which blocks come and go, under the lock
   */
  HostTier(
      BlockShape shape,
      long capacityBytes,
      int maxLeases,
      SlabMemory.Registrar registrar,
      Executor copier,
      LongSupplier clock,
      SlotTable.Listener listener) {
    this(
        shape, capacityBytes, SlabMemory.MAX_PIECES, maxLeases, registrar, copier, clock, listener);
  }

  /**
   * The same beside other tiers on one transport.
   *
   * @param maxPieces in which memory of one slot length is taken, each a region of the transport
   */
  HostTier(
      BlockShape shape,
      long capacityBytes,
      int maxPieces,
      int maxLeases,
      SlabMemory.Registrar registrar,
      Executor copier,
      LongSupplier clock,
      SlotTable.Listener listener) {
    this.shape = shape;
    this.maxLeases = maxLeases;
    this.copier = copier;
    this.clock = clock;
    this.slots = new SlotTable(shape, capacityBytes, maxPieces, arena, registrar, listener);
  }

  @Override
  public Residence residence() {
    return Residence.HOST;
  }

  @Override
  public BlockShape shape() {
    return shape;
  }

  /** {@link #lookup}, at once. */
  public BitSet find(List<BlockPlace> blocks) {
    BitSet found = new BitSet(blocks.size());
    synchronized (lock) {
      if (closed) {
        return found;
      }
      // Backwards, so that of one chain the first block is the newest and the last goes first.
      for (int i = blocks.size() - 1; i >= 0; i--) {
        int handle = slots.find(blocks.get(i).id());
        if (handle != SlotTable.NONE) {
          found.set(i);
          slots.touch(handle);
        }
      }
      lookups += blocks.size();
      hits += found.cardinality();
    }
    return found;
  }

  @Override
  public CompletionStage<BitSet> lookup(List<BlockPlace> blocks, Duration deadline) {
    return CompletableFuture.completedFuture(find(blocks));
  }

  /** {@link #pin}, at once; pins nothing when there are too many leases. */
  public HostLease keep(List<BlockPlace> blocks, long ownerId, Duration ttl) {
    int[] handles = new int[blocks.size()];
    Arrays.fill(handles, SlotTable.NONE);
    HostLease lease = new HostLease(ownerId, clock.getAsLong() + ttl.toNanos(), handles);
    synchronized (lock) {
      if (closed || leases.size() >= maxLeases) {
        return lease;
      }
      for (int i = 0; i < handles.length; i++) {
        handles[i] = slots.find(blocks.get(i).id());
        if (handles[i] != SlotTable.NONE) {
          slots.pin(handles[i]);
          lease.pinned.set(i);
        }
      }
      lease.open = !lease.pinned.isEmpty();
      if (lease.open) {
        leases.add(lease);
      }
    }
    return lease;
  }

  @Override
  public CompletionStage<HostLease> pin(List<BlockPlace> blocks, long ownerId, Duration ttl) {
    return CompletableFuture.completedFuture(keep(blocks, ownerId, ttl));
  }

  /**
   * What is said of a kept block to a peer.
   *
   * @param checksums not to be written
   */
  record Kept(BlockRef ref, int[] checksums) {}

  /** Blocks of this tier that are kept; their memory may be read until it ends. */
  public final class HostLease implements HeldBlocks {
    private final long ownerId;
    private final long deadlineNs;
    private final int[] handles;
    private final BitSet pinned = new BitSet();
    private boolean open;

    private HostLease(long ownerId, long deadlineNs, int[] handles) {
      this.ownerId = ownerId;
      this.deadlineNs = deadlineNs;
      this.handles = handles;
    }

    @Override
    public BitSet pinned() {
      return (BitSet) pinned.clone();
    }

    /** Whether the tier's own clock still grants it. */
    public boolean valid() {
      synchronized (lock) {
        return open && clock.getAsLong() - deadlineNs < 0;
      }
    }

    @Override
    public MemorySegment segment(int i) {
      synchronized (lock) {
        return slots.segment(required(i));
      }
    }

    /** Where a kept block lies, for the transport. */
    public BlockRef ref(int i) {
      synchronized (lock) {
        return slots.ref(required(i));
      }
    }

    @Override
    public int[] checksums(int i) {
      synchronized (lock) {
        return slots.checksums(required(i));
      }
    }

    /**
     * Place and checksums of a kept block at once; null where it is not kept, or when the tier's
     * own clock no longer grants the lease, which another thread may end at any time.
     */
    Kept kept(int i) {
      synchronized (lock) {
        return valid() && handles[i] != SlotTable.NONE
            ? new Kept(slots.ref(handles[i]), slots.checksums(handles[i]))
            : null;
      }
    }

    private int required(int i) {
      if (!open || handles[i] == SlotTable.NONE) {
        throw new IllegalStateException("block " + i + " is not kept by this lease; see pinned()");
      }
      return handles[i];
    }

    /** While the tier's own clock grants the lease, slots are not written. */
    @Override
    public boolean granted(int i) {
      return valid();
    }

    /**
     * Drops what has changed from the tier; of what a lease that has ended kept nothing is said.
     */
    @Override
    public boolean prove(int i) {
      MemorySegment bytes;
      int[] sealed;
      synchronized (lock) {
        if (!open) {
          return true;
        }
        bytes = slots.segment(required(i));
        sealed = slots.checksums(handles[i]);
      }
      if (matches(bytes, sealed, 0, sealed.length)) {
        return true;
      }
      synchronized (lock) {
        if (open) {
          dropCorrupt(handles[i]);
        }
      }
      return false;
    }

    @Override
    public void close() {
      synchronized (lock) {
        if (!open) {
          return;
        }
        open = false;
        leases.remove(this);
        for (int i = handles.length - 1; i >= 0; i--) {
          if (handles[i] != SlotTable.NONE) {
            slots.unpin(handles[i]);
          }
        }
        settle();
      }
    }
  }

  private void dropCorrupt(int handle) {
    if (slots.find(slots.place(handle).id()) == handle) {
      slots.drop(handle);
      corrupt++;
    }
  }

  /** Ends every lease of an owner. */
  public void release(long ownerId) {
    List<HostLease> ended;
    synchronized (lock) {
      ended = leases.stream().filter(lease -> lease.ownerId == ownerId).toList();
    }
    ended.forEach(HostLease::close);
  }

  /** Ends the leases whose deadline has passed. */
  public void expire() {
    List<HostLease> ended;
    synchronized (lock) {
      long nowNs = clock.getAsLong();
      ended = leases.stream().filter(lease -> nowNs - lease.deadlineNs >= 0).toList();
      expired += ended.size();
    }
    ended.forEach(HostLease::close);
  }

  /** Slots for blocks that the caller is about to bring in, in the order of a chain. */
  public Filling reserve(List<BlockPlace> blocks) {
    Filling filling = new Filling(blocks);
    synchronized (lock) {
      for (int i = 0; i < blocks.size(); i++) {
        BlockId id = blocks.get(i).id();
        if (closed) {
          filling.outcomes[i] = Outcome.FULL;
        } else if (slots.find(id) != SlotTable.NONE) {
          filling.outcomes[i] = Outcome.PRESENT;
        } else if (slots.isFilling(id)) {
          filling.outcomes[i] = Outcome.UNDER_WAY;
          CompletableFuture<Void> decided = new CompletableFuture<>();
          waiting.computeIfAbsent(id, key -> new ArrayList<>()).add(decided);
          filling.others.add(decided);
        } else {
          filling.handles[i] = slots.reserve(blocks.get(i));
          boolean none = filling.handles[i] == SlotTable.NONE;
          filling.outcomes[i] = none ? Outcome.FULL : Outcome.RESERVED;
          full += none ? 1 : 0;
        }
      }
      filling.begunAfterClears = clears;
      if (filling.reserved() > 0) {
        fillings++;
      }
    }
    return filling;
  }

  /**
   * Slots being filled. {@link #commit} must follow, once, when nobody writes into them any more;
   * one thread at a time.
   */
  public final class Filling {
    private final List<BlockPlace> blocks;
    private final int[] handles;
    private final Outcome[] outcomes;
    private final List<CompletableFuture<Void>> others = new ArrayList<>();
    private int begunAfterClears;
    private boolean done;

    private Filling(List<BlockPlace> blocks) {
      this.blocks = List.copyOf(blocks);
      this.handles = new int[blocks.size()];
      this.outcomes = new Outcome[blocks.size()];
      Arrays.fill(handles, SlotTable.NONE);
    }

    public List<BlockPlace> blocks() {
      return blocks;
    }

    public Outcome outcome(int i) {
      return outcomes[i];
    }

    /** How many are the caller's to fill. */
    public int reserved() {
      return (int) Arrays.stream(outcomes).filter(o -> o == Outcome.RESERVED).count();
    }

    /** Where a reserved block goes. */
    public MemorySegment segment(int i) {
      synchronized (lock) {
        return slots.segment(handles[i]);
      }
    }

    /** The same, for the transport. */
    public BlockRef ref(int i) {
      synchronized (lock) {
        return slots.ref(handles[i]);
      }
    }

    /** Completes when what others are bringing in is here or has failed. */
    public CompletableFuture<Void> others() {
      return CompletableFuture.allOf(others.toArray(CompletableFuture[]::new));
    }

    /**
     * Makes filled slots blocks and frees the others.
     *
     * @param checksums per block of the call those of its sealing, or null where the slot was not
     *     filled; owned by the tier
     */
    public void commit(List<int[]> checksums) {
      List<CompletableFuture<Void>> told = new ArrayList<>();
      synchronized (lock) {
        if (done) {
          throw new IllegalStateException("these slots are committed already; reserve others");
        }
        done = true;
        int[] last = new int[shape.groups().size()];
        Arrays.fill(last, SlotTable.NONE);
        for (int i = 0; i < handles.length; i++) {
          if (outcomes[i] != Outcome.RESERVED) {
            continue;
          }
          told.addAll(waiting.getOrDefault(blocks.get(i).id(), List.of()));
          waiting.remove(blocks.get(i).id());
          if (checksums.get(i) == null || closed || begunAfterClears != clears) {
            slots.abandon(handles[i]);
          } else {
            slots.commit(handles[i], checksums.get(i));
            stored++;
            int group = blocks.get(i).id().group();
            if (last[group] != SlotTable.NONE
                && slots.place(last[group]).index() != blocks.get(i).index() - 1) {
              slots.touchAncestors(last[group]);
            }
            last[group] = handles[i];
          }
        }
        for (int handle : last) {
          if (handle != SlotTable.NONE) {
            slots.touchAncestors(handle);
          }
        }
        if (Arrays.asList(outcomes).contains(Outcome.RESERVED)) {
          fillings--;
        }
        settle();
      }
      told.forEach(future -> future.complete(null));
    }

    /** Frees all that was reserved, unless it was committed. */
    public void abandon() {
      synchronized (lock) {
        if (done) {
          return;
        }
      }
      commit(Arrays.asList(new int[handles.length][]));
    }
  }

  @Override
  public CompletionStage<List<int[]>> load(
      List<Target> targets, LayerRange layers, Duration deadline) {
    List<BlockPlace> places = targets.stream().map(Target::place).toList();
    HostLease lease = keep(places, 0, deadline);
    CompletableFuture<List<int[]>> answer = new CompletableFuture<>();
    boolean queued =
        run(
            () -> {
              try (lease) {
                answer.complete(copyOut(targets, layers, lease));
              } catch (RuntimeException | Error failed) {
                answer.complete(Arrays.asList(new int[targets.size()][]));
                throw failed;
              }
            });
    if (!queued) {
      lease.close();
      answer.complete(Arrays.asList(new int[targets.size()][]));
    }
    return answer;
  }

  private boolean run(Runnable work) {
    try {
      copier.execute(work);
      return true;
    } catch (RejectedExecutionException stopping) {
      return false;
    }
  }

  private List<int[]> copyOut(List<Target> targets, LayerRange layers, HostLease lease) {
    int[][] loaded = new int[targets.size()][];
    for (int i = lease.pinned.nextSetBit(0); i >= 0; i = lease.pinned.nextSetBit(i + 1)) {
      if (!lease.valid()) {
        break;
      }
      int[] sealed = lease.checksums(i);
      int limit = layers.limit() == 0 ? sealed.length : layers.limit();
      MemorySegment source = lease.segment(i);
      if (limit > sealed.length) {
        continue;
      }
      long layerBytes = source.byteSize() / sealed.length;
      long from = layers.first() * layerBytes;
      long length = (limit - layers.first()) * layerBytes;
      MemorySegment target = targets.get(i).memory();
      MemorySegment.copy(source, from, target, from, length);
      if (matches(target.asSlice(0, source.byteSize()), sealed, layers.first(), limit)) {
        loaded[i] = sealed.clone();
      } else {
        lease.prove(i);
      }
    }
    return Arrays.asList(loaded);
  }

  /** Whether layers [first, limit) have their checksums. */
  static boolean matches(MemorySegment block, int[] checksums, int first, int limit) {
    ByteBuffer bytes = block.asByteBuffer();
    int layerBytes = bytes.capacity() / checksums.length;
    CRC32C crc = new CRC32C();
    for (int layer = first; layer < limit; layer++) {
      bytes.limit((layer + 1) * layerBytes).position(layer * layerBytes);
      crc.reset();
      crc.update(bytes);
      if ((int) crc.getValue() != checksums[layer]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public CompletionStage<BitSet> store(List<Sealed> blocks, Duration deadline) {
    List<BlockPlace> places = blocks.stream().map(Sealed::place).toList();
    Filling filling = reserve(places);
    CompletableFuture<Void> copied = new CompletableFuture<>();
    Runnable copy =
        () -> {
          int[][] kept = new int[blocks.size()][];
          try {
            for (int i = 0; i < kept.length; i++) {
              if (filling.outcome(i) == Outcome.RESERVED) {
                kept[i] = copyIn(blocks.get(i), filling.segment(i));
              }
            }
          } finally {
            filling.commit(Arrays.asList(kept));
            copied.complete(null);
          }
        };
    if (!run(copy)) {
      filling.abandon();
      copied.complete(null);
    }
    return copied
        .thenCombine(
            filling.others().completeOnTimeout(null, deadline.toNanos(), TimeUnit.NANOSECONDS),
            (mine, theirs) -> null)
        .thenApply(done -> present(places));
  }

  private int[] copyIn(Sealed block, MemorySegment slot) {
    if (block.memory().byteSize() < slot.byteSize()) {
      return null;
    }
    MemorySegment.copy(block.memory(), 0, slot, 0, slot.byteSize());
    int[] sums = block.layerChecksums();
    int layers = shape.groups().get(block.place().id().group()).layerCount();
    return sums.length == layers && matches(slot, sums, 0, layers) ? sums.clone() : null;
  }

  /** Which of the blocks are here; that does not count as a use. */
  BitSet present(List<BlockPlace> places) {
    BitSet here = new BitSet(places.size());
    synchronized (lock) {
      for (int i = 0; i < places.size(); i++) {
        here.set(i, slots.find(places.get(i).id()) != SlotTable.NONE);
      }
    }
    return here;
  }

  @Override
  public CompletionStage<BitSet> evict(List<BlockPlace> blocks, Duration deadline) {
    BitSet gone = new BitSet(blocks.size());
    synchronized (lock) {
      for (int i = 0; i < blocks.size(); i++) {
        int handle = slots.find(blocks.get(i).id());
        if (handle != SlotTable.NONE && !slots.pinned(handle)) {
          slots.drop(handle);
        }
        gone.set(i, handle == SlotTable.NONE || slots.find(blocks.get(i).id()) == SlotTable.NONE);
      }
    }
    return CompletableFuture.completedFuture(gone);
  }

  /**
   * Drops every block that nobody keeps, and those on their way in when they arrive; returns how
   * many were dropped at once.
   */
  public int clear() {
    synchronized (lock) {
      clears++;
      return slots.clear();
    }
  }

  public TierStats stats() {
    synchronized (lock) {
      return new TierStats(
          slots.capacityBytes(),
          slots.usedBytes(),
          slots.ready(),
          leases.size(),
          slots.pinnedBytes(),
          slots.filling(),
          lookups,
          hits,
          stored,
          slots.evicted(),
          corrupt,
          full,
          expired);
    }
  }

  private void settle() {
    if (closed && leases.isEmpty() && fillings == 0) {
      idle.complete(null);
    }
  }

  /**
   * Ends all leases and takes nothing more. The memory is given back when nobody fills or reads it
   * any more, which {@link #freed} tells.
   */
  @Override
  public void close() {
    List<HostLease> ended;
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      ended = List.copyOf(leases);
      slots.clear();
      settle();
    }
    ended.forEach(HostLease::close);
    freed = idle.thenCompose(none -> slots.closeMemory()).thenRun(arena::close);
  }

  private volatile CompletableFuture<Void> freed = new CompletableFuture<>();

  /** Completes after {@link #close} when the memory is given back. */
  public CompletableFuture<Void> freed() {
    return freed;
  }
}
