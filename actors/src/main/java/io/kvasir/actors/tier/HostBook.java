package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockShape;
import java.lang.foreign.Arena;
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
import java.util.function.LongSupplier;

/**
 * What a {@link HostTier} knows: which slot holds which block, who keeps it and who fills it. Any
 * thread; bytes do not move here, so {@link #lock} is held briefly, but for taking another piece of
 * memory. Owns the memory, which goes when the last lease and filling after {@link #close} have.
 */
final class HostBook {
  /** Guards all that follows, and the same of leases and fillings. */
  final Object lock = new Object();

  /** Guarded by {@link #lock}. */
  final SlotTable slots;

  private final BlockShape shape;
  private final int maxLeases;
  private final LongSupplier clock;
  private final Arena arena = Arena.ofShared();
  private final Set<HostLease> leases = new HashSet<>();
  private final Map<BlockId, List<CompletableFuture<Void>>> waiting = new HashMap<>();
  private final CompletableFuture<Void> idle = new CompletableFuture<>();
  private volatile CompletableFuture<Void> freed = new CompletableFuture<>();
  private int fillings;
  private int clears;
  private boolean closed;
  private long lookups;
  private long hits;
  private long stored;
  private long corrupt;
  private long full;
  private long expired;

  /** See {@link HostTier}'s constructors. */
  HostBook(
      BlockShape shape,
      long capacityBytes,
      int maxPieces,
      int maxLeases,
      SlabMemory.Registrar registrar,
      LongSupplier clock,
      SlotTable.Listener listener) {
    this.shape = shape;
    this.maxLeases = maxLeases;
    this.clock = clock;
    this.slots = new SlotTable(shape, capacityBytes, maxPieces, arena, registrar, listener);
  }

  long nowNs() {
    return clock.getAsLong();
  }

  /** Which blocks are here, which counts as a use of them. */
  BitSet find(List<BlockPlace> blocks) {
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

  /** Which of the blocks are here; that does not count as a use. */
  BitSet present(List<BlockPlace> blocks) {
    BitSet here = new BitSet(blocks.size());
    synchronized (lock) {
      for (int i = 0; i < blocks.size(); i++) {
        here.set(i, slots.find(blocks.get(i).id()) != SlotTable.NONE);
      }
    }
    return here;
  }

  /** A lease of those that are here; of none when there are too many leases. */
  HostLease keep(List<BlockPlace> blocks, long ownerId, Duration ttl) {
    int[] handles = new int[blocks.size()];
    Arrays.fill(handles, SlotTable.NONE);
    HostLease lease = new HostLease(this, ownerId, nowNs() + ttl.toNanos(), handles);
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

  /** Ends a lease, once. */
  void end(HostLease lease) {
    synchronized (lock) {
      if (!lease.open) {
        return;
      }
      lease.open = false;
      leases.remove(lease);
      for (int i = lease.handles.length - 1; i >= 0; i--) {
        if (lease.handles[i] != SlotTable.NONE) {
          slots.unpin(lease.handles[i]);
        }
      }
      settle();
    }
  }

  /** Ends every lease of an owner. */
  void release(long ownerId) {
    List<HostLease> ended;
    synchronized (lock) {
      ended = leases.stream().filter(lease -> lease.ownerId == ownerId).toList();
    }
    ended.forEach(this::end);
  }

  /** Ends the leases whose deadline has passed. */
  void expire() {
    List<HostLease> ended;
    synchronized (lock) {
      long nowNs = nowNs();
      ended = leases.stream().filter(lease -> nowNs - lease.deadlineNs >= 0).toList();
      expired += ended.size();
    }
    ended.forEach(this::end);
  }

  /** A kept block is not what was sealed; the lock is held. */
  void dropCorrupt(int handle) {
    if (slots.find(slots.place(handle).id()) == handle) {
      slots.drop(handle);
      corrupt++;
    }
  }

  /** Slots for blocks that are about to come, in the order of a chain. */
  HostFilling reserve(List<BlockPlace> blocks) {
    HostFilling filling = new HostFilling(this, blocks);
    synchronized (lock) {
      for (int i = 0; i < blocks.size(); i++) {
        BlockId id = blocks.get(i).id();
        if (closed) {
          filling.outcomes[i] = HostFilling.Outcome.FULL;
        } else if (slots.find(id) != SlotTable.NONE) {
          filling.outcomes[i] = HostFilling.Outcome.PRESENT;
        } else if (slots.isFilling(id)) {
          filling.outcomes[i] = HostFilling.Outcome.UNDER_WAY;
          CompletableFuture<Void> decided = new CompletableFuture<>();
          waiting.computeIfAbsent(id, key -> new ArrayList<>()).add(decided);
          filling.others.add(decided);
        } else {
          filling.handles[i] = slots.reserve(blocks.get(i));
          boolean none = filling.handles[i] == SlotTable.NONE;
          filling.outcomes[i] = none ? HostFilling.Outcome.FULL : HostFilling.Outcome.RESERVED;
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

  /** Ends a filling; see {@link HostFilling#commit}. */
  void commit(HostFilling filling, List<int[]> checksums) {
    List<CompletableFuture<Void>> told = new ArrayList<>();
    synchronized (lock) {
      if (filling.done) {
        throw new IllegalStateException("these slots are committed already; reserve others");
      }
      filling.done = true;
      int[] last = new int[shape.groups().size()];
      Arrays.fill(last, SlotTable.NONE);
      for (int i = 0; i < filling.handles.length; i++) {
        if (filling.outcomes[i] != HostFilling.Outcome.RESERVED) {
          continue;
        }
        BlockPlace place = filling.blocks().get(i);
        told.addAll(waiting.getOrDefault(place.id(), List.of()));
        waiting.remove(place.id());
        if (checksums.get(i) == null || closed || filling.begunAfterClears != clears) {
          slots.abandon(filling.handles[i]);
        } else {
          slots.commit(filling.handles[i], checksums.get(i));
          stored++;
          touchBefore(last, place);
          last[place.id().group()] = filling.handles[i];
        }
      }
      for (int handle : last) {
        if (handle != SlotTable.NONE) {
          slots.touchAncestors(handle);
        }
      }
      if (filling.reserved() > 0) {
        fillings--;
      }
      settle();
    }
    told.forEach(future -> future.complete(null));
  }

  /** A chain has a gap before {@code place}: what went before is used as one of its own. */
  private void touchBefore(int[] last, BlockPlace place) {
    int before = last[place.id().group()];
    if (before != SlotTable.NONE && slots.place(before).index() != place.index() - 1) {
      slots.touchAncestors(before);
    }
  }

  /** Drops what nobody keeps; which of the blocks are not here afterwards. */
  BitSet evict(List<BlockPlace> blocks) {
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
    return gone;
  }

  /** See {@link HostTier#clear}. */
  int clear() {
    synchronized (lock) {
      clears++;
      return slots.clear();
    }
  }

  TierStats stats() {
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

  /** Ends all leases and takes nothing more; once. */
  void close() {
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
    ended.forEach(this::end);
    freed = idle.thenCompose(none -> slots.closeMemory()).thenRun(arena::close);
  }

  /** Completes after {@link #close} when the memory is given back. */
  CompletableFuture<Void> freed() {
    return freed;
  }
}
