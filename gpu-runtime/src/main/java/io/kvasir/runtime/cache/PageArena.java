package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.PageMemory;

/**
 * The memory of all pages. It is cut into equal slabs; a slab is given to one page class (bytes per
 * page) on demand and returns to the pool when its last page is freed, so that groups of different
 * page sizes share one arena without a fixed split.
 *
 * <p>It also knows which pages are pinned (referenced) and which could be freed, so that {@link
 * #canAllocate} answers exactly, before anything is evicted.
 */
final class PageArena implements AutoCloseable {
  private static final long TARGET_SLAB_BYTES = 1 << 20;

  private final PageMemory memory;
  private final long[] pageBytes;
  private final int[] pagesPerSlab;
  private final long slabBytes;
  private final int slabCount;
  private final SlotTable slots;
  private final IntLinks partial;
  private final int[] slabClass;
  private final int[] pinned;
  private final int[] availableBesidePinned;
  private final int[] freeSlabs;
  private int freeSlabCount;
  private int reclaimableSlabs;
  private long usedBytes;
  private long pinnedBytes;

  /**
   * @param memory owned by the arena from here on
   * @param pageBytes distinct page sizes, one per class
   */
  PageArena(PageMemory memory, long[] pageBytes, long slabBytes) {
    this.memory = memory;
    this.pageBytes = pageBytes.clone();
    this.slabBytes = slabBytes;
    slabCount = (int) Math.min(memory.bytes() / slabBytes, 1 << 24);
    pagesPerSlab = new int[pageBytes.length];
    int stride = 1;
    for (int c = 0; c < pageBytes.length; c++) {
      pagesPerSlab[c] = (int) (slabBytes / pageBytes[c]);
      stride = Math.max(stride, pagesPerSlab[c]);
    }
    slots = new SlotTable(stride, slabCount);
    partial = new IntLinks(pageBytes.length, slabCount);
    slabClass = new int[slabCount];
    pinned = new int[slabCount];
    availableBesidePinned = new int[pageBytes.length];
    freeSlabs = new int[slabCount];
    for (int slab = slabCount - 1; slab >= 0; slab--) {
      freeSlabs[freeSlabCount++] = slab;
      slabClass[slab] = -1;
    }
    reclaimableSlabs = slabCount;
  }

  /**
   * The slab size for these page classes: about 1 MiB or one page if that is larger, with the least
   * space left over at slab ends, and small enough that a small arena still has several slabs.
   */
  static long chooseSlabBytes(long arenaBytes, long[] pageBytes) {
    long largest = 0;
    for (long bytes : pageBytes) {
      largest = Math.max(largest, bytes);
    }
    if (arenaBytes < largest * pageBytes.length) {
      throw new IllegalArgumentException(
          "arenaBytes="
              + arenaBytes
              + " is less than "
              + largest * pageBytes.length
              + " bytes, one page for each of "
              + pageBytes.length
              + " page sizes; raise kvasir.runtime.cache.arenaBytes");
    }
    long cap = Math.min(TARGET_SLAB_BYTES, arenaBytes / (8L * pageBytes.length));
    long low = Math.max(1, cap / largest);
    long best = low * largest;
    double bestWaste = waste(best, arenaBytes, pageBytes);
    for (long pages = low + 1; pages <= 2 * low; pages++) {
      double waste = waste(pages * largest, arenaBytes, pageBytes);
      if (waste < bestWaste - 1e-9 && arenaBytes / (pages * largest) >= pageBytes.length) {
        best = pages * largest;
        bestWaste = waste;
      }
    }
    return best;
  }

  private static double waste(long slabBytes, long arenaBytes, long[] pageBytes) {
    double worst = 0;
    for (long bytes : pageBytes) {
      worst = Math.max(worst, (double) (slabBytes % bytes) / slabBytes);
    }
    return worst + (double) (arenaBytes % slabBytes) / arenaBytes;
  }

  PageMemory memory() {
    return memory;
  }

  /** Number of page indices; per-page tables have this length. */
  int pageIndexCount() {
    return slots.slots();
  }

  long bytes() {
    return slabCount * slabBytes;
  }

  long usedBytes() {
    return usedBytes;
  }

  long pinnedBytes() {
    return pinnedBytes;
  }

  int freeSlabCount() {
    return freeSlabCount;
  }

  int slabCount() {
    return slabCount;
  }

  int pagesPerSlab(int pageClass) {
    return pagesPerSlab[pageClass];
  }

  /** Pages of the class that could be allocated if every unpinned page were freed. */
  long allocatable(int pageClass) {
    return availableBesidePinned[pageClass] + (long) reclaimableSlabs * pagesPerSlab[pageClass];
  }

  /** Whether {@code need[class]} pages fit once unpinned pages are evicted. */
  boolean canAllocate(int[] need) {
    long slabs = 0;
    for (int c = 0; c < need.length; c++) {
      int missing = need[c] - availableBesidePinned[c];
      if (missing > 0) {
        slabs += (missing + pagesPerSlab[c] - 1) / pagesPerSlab[c];
      }
    }
    return slabs <= reclaimableSlabs;
  }

  /** A pinned page of the class, or 0 when none is free. */
  long allocate(int pageClass) {
    int slab = partial.first(pageClass);
    if (slab == IntLinks.NONE) {
      if (freeSlabCount == 0) {
        return 0;
      }
      slab = freeSlabs[--freeSlabCount];
      slabClass[slab] = pageClass;
      slots.open(slab, pagesPerSlab[pageClass]);
      partial.addFirst(pageClass, slab);
    }
    long handle = slots.take(slab);
    if (slots.isFull(slab)) {
      partial.remove(pageClass, slab);
    }
    usedBytes += pageBytes[pageClass];
    pin(SlotTable.slot(handle));
    return handle;
  }

  /** Frees an unpinned page. */
  void free(long handle) {
    int page = slots.check(handle);
    int slab = slots.container(page);
    int pageClass = slabClass[slab];
    boolean wasFull = slots.isFull(slab);
    slots.give(handle);
    usedBytes -= pageBytes[pageClass];
    if (wasFull) {
      partial.addFirst(pageClass, slab);
    }
    if (slots.used(slab) == 0) {
      partial.remove(pageClass, slab);
      slabClass[slab] = -1;
      freeSlabs[freeSlabCount++] = slab;
    }
  }

  void pin(int page) {
    int slab = slots.container(page);
    int pageClass = slabClass[slab];
    if (pinned[slab]++ == 0) {
      reclaimableSlabs--;
      availableBesidePinned[pageClass] += pagesPerSlab[pageClass] - 1;
    } else {
      availableBesidePinned[pageClass]--;
    }
    pinnedBytes += pageBytes[pageClass];
  }

  void unpin(int page) {
    int slab = slots.container(page);
    int pageClass = slabClass[slab];
    if (--pinned[slab] == 0) {
      reclaimableSlabs++;
      availableBesidePinned[pageClass] -= pagesPerSlab[pageClass] - 1;
    } else {
      availableBesidePinned[pageClass]++;
    }
    pinnedBytes -= pageBytes[pageClass];
  }

  /** True when no page of this page's slab is pinned, so that evicting can free the slab. */
  boolean slabReclaimable(int page) {
    return pinned[slots.container(page)] == 0;
  }

  int slabOf(int page) {
    return slots.container(page);
  }

  int firstPageOf(int slab) {
    return slab * (slots.slots() / slabCount);
  }

  /** Byte offset of a live page; a stale handle throws. */
  long address(long handle) {
    int page = slots.check(handle);
    int slab = slots.container(page);
    return slab * slabBytes + slots.place(page) * pageBytes[slabClass[slab]];
  }

  int check(long handle) {
    return slots.check(handle);
  }

  long handle(int page) {
    return slots.handle(page);
  }

  @Override
  public void close() {
    memory.close();
  }
}
