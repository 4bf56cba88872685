package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.PageMemory;
import java.util.Arrays;

/**
 * Reference counts, keys and eviction of token pages. A page is private (one owner, no key), a
 * block (sealed: has a key, immutable, any number of owners) or a cached block (a key and no
 * owner), which stays until its memory is wanted.
 *
 * <p>Eviction takes the least recently released block of the page size that is needed, before it
 * those that were demoted; sequences release from their last block to their first, so a chain goes
 * from its tail. When no block of that size is left, a whole slab of another size is emptied, the
 * one with the oldest block.
 */
final class BlockStore implements AutoCloseable {
  private final PageArena arena;
  private final KeyIndex index;
  private final int[] classOf;
  private final int[] refs;
  private final int[] groupOfPage;
  private final boolean[] sealed;
  private final boolean[] discard;
  private final long[] releasedAt;
  private final IntLinks unreferenced;
  private final int groupCount;
  private final BlockLedger ledger;
  private final int[] need;
  private BlockListener listener;
  private long releaseClock;
  private long demoteClock;
  private long evictedCount;

  BlockStore(PageArena arena, int[] classOf, BlockLedger ledger, BlockListener listener) {
    this.arena = arena;
    this.ledger = ledger;
    this.classOf = classOf;
    this.listener = listener;
    groupCount = classOf.length;
    int pages = arena.pageIndexCount();
    index = new KeyIndex(pages);
    refs = new int[pages];
    groupOfPage = new int[pages];
    sealed = new boolean[pages];
    discard = new boolean[pages];
    releasedAt = new long[pages];
    unreferenced = new IntLinks(groupCount, pages);
    int classes = 0;
    for (int c : classOf) {
      classes = Math.max(classes, c + 1);
    }
    need = new int[classes];
  }

  PageMemory memory() {
    return arena.memory();
  }

  PageArena arena() {
    return arena;
  }

  /**
   * Replaces the listener, after telling the new one every block, lowest place in a chain first.
   */
  void listen(BlockListener next) {
    ledger.startSumming();
    long[] order = new long[index.count()];
    int count = 0;
    for (int page = 0; page < sealed.length; page++) {
      if (sealed[page]) {
        order[count++] = (long) ledger.chainIndex(page) << 32 | page;
      }
    }
    Arrays.sort(order);
    for (long entry : order) {
      announce(next, (int) entry);
    }
    listener = next;
  }

  private void announce(BlockListener to, int page) {
    to.sealed(
        groupOfPage[page],
        index.high(page),
        index.low(page),
        ledger.rootHigh(page),
        ledger.rootLow(page),
        ledger.chainIndex(page));
  }

  BlockLedger ledger() {
    return ledger;
  }

  long evictedCount() {
    return evictedCount;
  }

  int blockCount() {
    return index.count();
  }

  /** Whether {@code pages[group]} more pages can be had for every group at once. */
  boolean canAllocate(int[] pages) {
    Arrays.fill(need, 0);
    for (int g = 0; g < groupCount; g++) {
      need[classOf[g]] += pages[g];
    }
    return arena.canAllocate(need);
  }

  /** Slabs that {@code pages} pages of every group fill in an empty arena. */
  long slabsFor(long pages) {
    long slabs = 0;
    for (int c = 0; c < need.length; c++) {
      long ofClass = 0;
      for (int g = 0; g < groupCount; g++) {
        ofClass += classOf[g] == c ? pages : 0;
      }
      slabs += (ofClass + arena.pagesPerSlab(c) - 1) / arena.pagesPerSlab(c);
    }
    return slabs;
  }

  /** A private page of the group with one reference, or 0 when nothing more can be evicted. */
  long allocate(int group) {
    int pageClass = classOf[group];
    long handle = arena.allocate(pageClass);
    if (handle == 0) {
      if (arena.allocatable(pageClass) == 0) {
        return 0;
      }
      makeRoom(pageClass);
      handle = arena.allocate(pageClass);
    }
    int page = SlotTable.slot(handle);
    refs[page] = 1;
    groupOfPage[page] = group;
    return handle;
  }

  private void makeRoom(int pageClass) {
    int victim = IntLinks.NONE;
    for (int g = 0; g < groupCount; g++) {
      int oldest = unreferenced.first(g);
      if (classOf[g] == pageClass && oldest != IntLinks.NONE && olderThan(oldest, victim)) {
        victim = oldest;
      }
    }
    if (victim != IntLinks.NONE) {
      evict(victim);
      return;
    }
    for (int g = 0; g < groupCount; g++) {
      int page = unreferenced.first(g);
      while (page != IntLinks.NONE && !arena.slabReclaimable(page)) {
        page = unreferenced.next(page);
      }
      if (page != IntLinks.NONE && olderThan(page, victim)) {
        victim = page;
      }
    }
    emptySlab(arena.slabOf(victim));
  }

  private boolean olderThan(int page, int other) {
    return other == IntLinks.NONE || releasedAt[page] < releasedAt[other];
  }

  private void emptySlab(int slab) {
    int first = arena.firstPageOf(slab);
    int end = first + arena.pageIndexCount() / arena.slabCount();
    for (int page = first; page < end; page++) {
      if (sealed[page]) {
        evict(page);
      }
    }
  }

  private void evict(int page) {
    unreferenced.remove(groupOfPage[page], page);
    evictedCount++;
    forget(page);
  }

  private void forget(int page) {
    index.remove(page);
    sealed[page] = false;
    discard[page] = false;
    listener.evicted(groupOfPage[page], index.high(page), index.low(page));
    arena.free(arena.handle(page));
  }

  /** Evicts every cached block without an owner; returns how many. */
  int evictAll() {
    int count = 0;
    for (int g = 0; g < groupCount; g++) {
      while (unreferenced.first(g) != IntLinks.NONE) {
        evict(unreferenced.first(g));
        count++;
      }
    }
    return count;
  }

  /**
   * The group's block with this key, or −1. Valid until the next allocation unless retained. A key
   * names its group too, but one that came over the wire with a wrong group must not put a page of
   * another size in the place of one.
   */
  int find(int group, long keyHigh, long keyLow) {
    int page = index.find(keyHigh, keyLow);
    return page >= 0 && groupOfPage[page] == group ? page : -1;
  }

  boolean isReferenced(int page) {
    return refs[page] > 0;
  }

  /** Takes a reference to a live page, cached blocks included; returns its handle. */
  long retain(int page) {
    if (refs[page] == 0) {
      if (!sealed[page]) {
        throw new IllegalStateException("page=" + page + " is free and cannot be retained");
      }
      unreferenced.remove(groupOfPage[page], page);
      arena.pin(page);
    }
    refs[page]++;
    discard[page] = false;
    return arena.handle(page);
  }

  /** Gives one reference back; a page without key is freed with its last reference. */
  void release(long handle) {
    int page = arena.check(handle);
    if (refs[page] <= 0) {
      throw new IllegalStateException(
          "page=" + page + " has references=" + refs[page] + " and was released once too often");
    }
    if (--refs[page] > 0) {
      return;
    }
    arena.unpin(page);
    if (sealed[page] && discard[page]) {
      forget(page);
    } else if (sealed[page]) {
      releasedAt[page] = ++releaseClock;
      unreferenced.addLast(groupOfPage[page], page);
    } else {
      arena.free(handle);
    }
  }

  /** Makes a cached block without an owner older than every other. */
  void demote(int page) {
    unreferenced.remove(groupOfPage[page], page);
    releasedAt[page] = --demoteClock;
    unreferenced.addFirst(groupOfPage[page], page);
  }

  /** Lets a block go with its last reference instead of caching it, unless it is hit before. */
  void discardWhenReleased(long handle) {
    int page = arena.check(handle);
    discard[page] = sealed[page];
  }

  /**
   * Gives a private page its key and makes it immutable. If another page already has the key, that
   * page is retained, this one released, and the other's handle returned: equal keys mean equal
   * bytes (law 1).
   *
   * @param rootHigh key of group 0's first block of the chain
   * @param chainIndex place in the chain
   */
  long seal(long handle, long keyHigh, long keyLow, long rootHigh, long rootLow, int chainIndex) {
    return seal(handle, keyHigh, keyLow, rootHigh, rootLow, chainIndex, null);
  }

  /**
   * The same for a page that was copied in.
   *
   * @param proven its layer checksums, found right on the device's copy; null computes them if they
   *     are wanted
   */
  long seal(
      long handle,
      long keyHigh,
      long keyLow,
      long rootHigh,
      long rootLow,
      int chainIndex,
      int[] proven) {
    int page = arena.check(handle);
    int existing = index.find(keyHigh, keyLow);
    if (existing == page) {
      return handle;
    }
    if (existing >= 0) {
      long other = retain(existing);
      release(handle);
      return other;
    }
    if (sealed[page]) {
      throw new IllegalStateException(
          "page=" + page + " is already sealed under another key, copy it before writing");
    }
    if (proven == null) {
      ledger.sealed(page, groupOfPage[page], arena.address(handle), rootHigh, rootLow, chainIndex);
    } else {
      ledger.sealedAs(page, rootHigh, rootLow, chainIndex, proven);
    }
    index.add(page, keyHigh, keyLow);
    sealed[page] = true;
    announce(listener, page);
    return handle;
  }

  /** True when the one owner may write to the page. */
  boolean isWritable(long handle) {
    int page = arena.check(handle);
    return refs[page] == 1 && !sealed[page];
  }

  boolean isSealed(long handle) {
    return sealed[arena.check(handle)];
  }

  int references(long handle) {
    return refs[arena.check(handle)];
  }

  long address(long handle) {
    return arena.address(handle);
  }

  @Override
  public void close() {
    arena.close();
  }
}
