package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * Head pages of one group: single frames, carved from private token pages, which they fill exactly.
 * A carved page returns to the block store when its last frame is freed.
 */
final class FramePool {
  private final BlockStore store;
  private final LayerGroup group;
  private final long frameBytes;
  private final int framesPerPage;
  private final SlotTable slots;
  private final IntLinks partial = new IntLinks(1, 4);
  private long[] unitPage = new long[4];
  private int[] freeUnits = new int[4];
  private int freeUnitCount;
  private int unitCount;
  private int freeFrames;

  FramePool(BlockStore store, LayerGroup group) {
    this.store = store;
    this.group = group;
    frameBytes = group.frame().frameBytes();
    framesPerPage = group.framesPerPage();
    slots = new SlotTable(framesPerPage, 4);
  }

  /** Token pages that must be carved to hand out {@code frames} more frames. */
  int pagesFor(int frames) {
    int missing = frames - freeFrames;
    return missing <= 0 ? 0 : (missing + framesPerPage - 1) / framesPerPage;
  }

  /** A frame, or 0 when there is no page to carve. */
  long take() {
    int unit = partial.first(0);
    if (unit == IntLinks.NONE) {
      long page = store.allocate(group.id());
      if (page == 0) {
        return 0;
      }
      unit = openUnit(page);
    }
    long handle = slots.take(unit);
    freeFrames--;
    if (slots.isFull(unit)) {
      partial.remove(0, unit);
    }
    return handle;
  }

  private int openUnit(long page) {
    int unit;
    if (freeUnitCount > 0) {
      unit = freeUnits[--freeUnitCount];
    } else {
      unit = unitCount++;
      slots.ensureContainers(unitCount);
      partial.ensure(unitCount);
      if (unitPage.length < unitCount) {
        unitPage = Arrays.copyOf(unitPage, 2 * unitPage.length);
        freeUnits = Arrays.copyOf(freeUnits, unitPage.length);
      }
    }
    unitPage[unit] = page;
    slots.open(unit, framesPerPage);
    partial.addFirst(0, unit);
    freeFrames += framesPerPage;
    return unit;
  }

  void give(long handle) {
    int unit = slots.container(slots.check(handle));
    boolean wasFull = slots.isFull(unit);
    slots.give(handle);
    freeFrames++;
    if (wasFull) {
      partial.addFirst(0, unit);
    }
    if (slots.used(unit) == 0) {
      partial.remove(0, unit);
      freeFrames -= framesPerPage;
      store.release(unitPage[unit]);
      unitPage[unit] = 0;
      freeUnits[freeUnitCount++] = unit;
    }
  }

  /** Byte offset of a live frame; a stale handle throws. */
  long address(long handle) {
    int slot = slots.check(handle);
    return store.address(unitPage[slots.container(slot)]) + slots.place(slot) * frameBytes;
  }
}
