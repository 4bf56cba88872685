package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.transport.BlockRef;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The slots of a host tier: which block each holds, who keeps it, and which goes next. Pure
 * bookkeeping over primitive arrays, owned by the tier's lock. A slot is named by its handle.
 *
 * <p>Free → filling (its key is known, its block cannot be found) → ready → free; a ready block
 * whose bytes turn out broken is doomed: not found any more, freed with its last pin. Ready blocks
 * without a pin stand in a list by use, one list a slot length.
 */
final class SlotTable {
  static final int NONE = KeyTable.NONE;
  private static final int PARENTS = 4096;

  private enum State {
    FREE,
    FILLING,
    READY,
    DOOMED
  }

  /** Hears which blocks can be found; called under the tier's lock. */
  interface Listener {
    void added(BlockPlace place);

    void removed(BlockId id);
  }

  /** Slots of one length. */
  private static final class Slab {
    final SlabMemory memory;
    final int base;
    int slots;
    int free = NONE;
    int newest = NONE;
    int oldest = NONE;

    Slab(SlabMemory memory, int base) {
      this.memory = memory;
      this.base = base;
    }
  }

  private final BlockShape shape;
  private final Listener listener;
  private final List<Slab> slabs = new ArrayList<>();
  private final Slab[] slabOfGroup;
  private final KeyTable keys;
  private final BlockPlace[] place;
  private final int[][] checksums;
  private final State[] state;
  private final int[] pins;
  private final int[] newer;
  private final int[] older;
  private final int[] parent;
  // The last block that came in for a chain's root and index: the parent of the next, most likely.
  private final int[] parents = new int[PARENTS];
  private int filling;
  private int ready;
  private long usedBytes;
  private long pinnedBytes;
  private long evicted;

  SlotTable(
      BlockShape shape,
      long capacityBytes,
      int maxPieces,
      Arena arena,
      SlabMemory.Registrar registrar,
      Listener listener) {
    this.shape = shape;
    this.listener = listener;
    long chainBytes = shape.groups().stream().mapToLong(BlockShape.Group::blockBytes).sum();
    long perGroup = capacityBytes / chainBytes;
    slabOfGroup = new Slab[shape.groups().size()];
    int total = 0;
    for (int group = 0; group < slabOfGroup.length; group++) {
      int bytes = shape.groups().get(group).blockBytes();
      if (slabOfGroup[group] == null) {
        long sharing = shape.groups().stream().filter(g -> g.blockBytes() == bytes).count();
        int limit = (int) Math.min(sharing * perGroup, (1 << 26) - total);
        Slab slab = new Slab(new SlabMemory(arena, registrar, bytes, limit, maxPieces), total);
        slabs.add(slab);
        total += limit;
        for (int other = group; other < slabOfGroup.length; other++) {
          if (shape.groups().get(other).blockBytes() == bytes) {
            slabOfGroup[other] = slab;
          }
        }
      }
    }
    keys = new KeyTable(total);
    place = new BlockPlace[total];
    checksums = new int[total][];
    state = new State[total];
    Arrays.fill(state, State.FREE);
    pins = new int[total];
    newer = new int[total];
    older = new int[total];
    parent = new int[total];
    Arrays.fill(parents, NONE);
  }

  int find(BlockId id) {
    int handle = keys.get(id.group(), id.high(), id.low());
    return handle != NONE && state[handle] == State.READY ? handle : NONE;
  }

  boolean isFilling(BlockId id) {
    int handle = keys.get(id.group(), id.high(), id.low());
    return handle != NONE && state[handle] == State.FILLING;
  }

  /** A slot for a block that is not here, or NONE if every slot is in use. */
  int reserve(BlockPlace wanted) {
    Slab slab = slabOfGroup[wanted.id().group()];
    if (slab.free == NONE && !grow(slab)) {
      if (slab.oldest == NONE) {
        return NONE;
      }
      drop(slab.oldest);
      evicted++;
    }
    int handle = slab.free;
    slab.free = older[handle];
    place[handle] = wanted;
    state[handle] = State.FILLING;
    parent[handle] = NONE;
    BlockId id = wanted.id();
    keys.put(id.group(), id.high(), id.low(), handle);
    filling++;
    usedBytes += slab.memory.slotBytes();
    return handle;
  }

  private boolean grow(Slab slab) {
    int slots = slab.memory.grow();
    for (int slot = slots - 1; slot >= slab.slots; slot--) {
      older[slab.base + slot] = slab.free;
      slab.free = slab.base + slot;
    }
    boolean grown = slots > slab.slots;
    slab.slots = slots;
    return grown;
  }

  /** A filled slot becomes a block that can be found; its chain counts as used. */
  void commit(int handle, int[] layerChecksums) {
    checksums[handle] = layerChecksums;
    state[handle] = State.READY;
    filling--;
    ready++;
    BlockPlace here = place[handle];
    int guess = here.index() == 0 ? NONE : parents[slotOfParent(here, here.index() - 1)];
    parent[handle] = guess != NONE && precedes(guess, here) ? guess : NONE;
    parents[slotOfParent(here, here.index())] = handle;
    pushNewest(handle);
    listener.added(here);
  }

  private int slotOfParent(BlockPlace at, int index) {
    long mixed =
        (at.root().high() ^ Long.rotateLeft(at.root().low(), 17) ^ at.id().group())
                * 0x9E3779B97F4A7C15L
            + index * 0xBF58476D1CE4E5B9L;
    return (int) (mixed >>> 40) & (PARENTS - 1);
  }

  private boolean precedes(int handle, BlockPlace child) {
    BlockPlace candidate = place[handle];
    return state[handle] == State.READY
        && candidate.index() == child.index() - 1
        && candidate.id().group() == child.id().group()
        && candidate.root().equals(child.root());
  }

  /** Makes the ancestors of a block newer than it, the root newest, so that it goes before them. */
  void touchAncestors(int handle) {
    int child = handle;
    for (int at = parent[child];
        at != NONE && precedes(at, place[child]);
        child = at, at = parent[at]) {
      touch(at);
    }
  }

  /** A slot that was not filled is free again. */
  void abandon(int handle) {
    filling--;
    free(handle);
  }

  /** Makes the block the newest. */
  void touch(int handle) {
    if (pins[handle] == 0) {
      unlink(handle);
      pushNewest(handle);
    }
  }

  void pin(int handle) {
    if (pins[handle]++ == 0) {
      pinnedBytes += slab(handle).memory.slotBytes();
      unlink(handle);
    }
  }

  void unpin(int handle) {
    if (--pins[handle] == 0) {
      pinnedBytes -= slab(handle).memory.slotBytes();
      if (state[handle] == State.DOOMED) {
        free(handle);
      } else {
        pushNewest(handle);
      }
    } else if (pins[handle] < 0) {
      throw new IllegalStateException("slot " + handle + " has fewer than 0 pins");
    }
  }

  boolean pinned(int handle) {
    return pins[handle] > 0;
  }

  /** A ready block leaves; with pins on it, its slot is free when the last one ends. */
  void drop(int handle) {
    BlockId id = place[handle].id();
    keys.remove(id.group(), id.high(), id.low());
    ready--;
    listener.removed(id);
    if (pins[handle] > 0) {
      state[handle] = State.DOOMED;
    } else {
      unlink(handle);
      freeSlot(handle);
    }
  }

  private void free(int handle) {
    if (state[handle] == State.FILLING) {
      BlockId id = place[handle].id();
      keys.remove(id.group(), id.high(), id.low());
    }
    freeSlot(handle);
  }

  private void freeSlot(int handle) {
    Slab slab = slab(handle);
    // References to the old content end before anything new is written.
    slab.memory.renew(handle - slab.base);
    state[handle] = State.FREE;
    place[handle] = null;
    checksums[handle] = null;
    older[handle] = slab.free;
    slab.free = handle;
    usedBytes -= slab.memory.slotBytes();
  }

  private Slab slab(int handle) {
    return slabOfGroup[place[handle].id().group()];
  }

  private void pushNewest(int handle) {
    Slab slab = slab(handle);
    newer[handle] = NONE;
    older[handle] = slab.newest;
    if (slab.newest != NONE) {
      newer[slab.newest] = handle;
    } else {
      slab.oldest = handle;
    }
    slab.newest = handle;
  }

  private void unlink(int handle) {
    Slab slab = slab(handle);
    if (newer[handle] == NONE) {
      slab.newest = older[handle];
    } else {
      older[newer[handle]] = older[handle];
    }
    if (older[handle] == NONE) {
      slab.oldest = newer[handle];
    } else {
      newer[older[handle]] = newer[handle];
    }
  }

  BlockPlace place(int handle) {
    return place[handle];
  }

  /** Made when the block was sealed; not to be written. */
  int[] checksums(int handle) {
    return checksums[handle];
  }

  MemorySegment segment(int handle) {
    Slab slab = slab(handle);
    int bytes = shape.groups().get(place[handle].id().group()).blockBytes();
    return slab.memory.segment(handle - slab.base, bytes);
  }

  BlockRef ref(int handle) {
    Slab slab = slab(handle);
    return slab.memory.ref(handle - slab.base);
  }

  /** Blocks that can be found, the newest of each length first, at most {@code max}. */
  List<BlockPlace> newest(int max) {
    List<BlockPlace> found = new ArrayList<>();
    for (Slab slab : slabs) {
      for (int at = slab.newest; at != NONE && found.size() < max; at = older[at]) {
        found.add(place[at]);
      }
    }
    return found;
  }

  /** Drops every block without a pin; returns how many. */
  int clear() {
    int dropped = 0;
    for (Slab slab : slabs) {
      while (slab.oldest != NONE) {
        drop(slab.oldest);
        dropped++;
      }
    }
    return dropped;
  }

  int ready() {
    return ready;
  }

  int filling() {
    return filling;
  }

  long usedBytes() {
    return usedBytes;
  }

  long pinnedBytes() {
    return pinnedBytes;
  }

  long capacityBytes() {
    long bytes = 0;
    for (Slab slab : slabs) {
      bytes += (long) slab.memory.slotLimit() * slab.memory.slotBytes();
    }
    return bytes;
  }

  long evicted() {
    return evicted;
  }

  CompletableFuture<Void> closeMemory() {
    return CompletableFuture.allOf(
        slabs.stream().map(slab -> slab.memory.close()).toArray(CompletableFuture[]::new));
  }
}
