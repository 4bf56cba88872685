package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;

/**
 * Page table of one sequence and layer group. Entries [0, committed) are visible history, entries
 * [committed, committed + reserved) were reserved since the last commit or abort. Two forms: {@link
 * TokenTable} and {@link HeadTable}.
 */
abstract sealed class GroupTable permits TokenTable, HeadTable {
  final KvCache cache;
  final LayerGroup group;
  final int slots;
  final int heads;
  final long frameBytes;
  int committed;
  int reserved;

  /** 1 + the largest committed index: what the next entry's index is unless set. */
  int nextIndex;

  GroupTable(KvCache cache, LayerGroup group) {
    this.cache = cache;
    this.group = group;
    slots = group.frame().slots();
    heads = group.kvHeads();
    frameBytes = group.frame().frameBytes();
  }

  /** First entry that is still held; a multiple of slots. */
  abstract int firstEntry();

  /** Token pages to allocate for {@code entries} more reserved entries. */
  abstract int pagesNeeded(int entries);

  /** Reserves; false and unchanged when pages ran out. */
  abstract boolean reserve(int entries);

  /** Commits the first {@code entries} reserved ones and releases the rest. */
  abstract void commit(int entries);

  /** Commits the reserved entries with these ascending ordinals and releases the rest. */
  abstract void commitPath(int[] ordinals, int count);

  /** Takes back the last {@code entries} reserved ones. */
  abstract void unreserve(int entries);

  abstract void fillView(KvView view, int layerOrdinal);

  abstract void writeTarget(int layerOrdinal, int entry, KvWritePlan plan, int write);

  abstract void setIndex(int entry, int value);

  abstract void setPosition(int entry, int axis, int value);

  abstract void setLogWeight(int entry, float value);

  abstract int entryCount(int layerOrdinal, int head);

  abstract int index(int layerOrdinal, int head, int entry);

  /** Address of the frame that holds an entry of one layer and head. */
  abstract long frameOf(int layerOrdinal, int head, int entry);

  abstract boolean makeWritable(int from, int to);

  abstract GroupSnapshot export();

  /** Releases every page, the last first, so that eviction later takes chains from their tail. */
  abstract void close();

  final int checkEntry(int entry, int first, int end) {
    if (entry < first || entry >= end) {
      throw new IndexOutOfBoundsException(
          "entry="
              + entry
              + " of layer group "
              + group.id()
              + " is outside ["
              + first
              + ", "
              + end
              + "), reserve it first");
    }
    return entry;
  }

  final void checkPath(int[] ordinals, int count) {
    int last = -1;
    for (int i = 0; i < count; i++) {
      if (ordinals[i] <= last || ordinals[i] >= reserved) {
        throw new IllegalArgumentException(
            "path ordinal "
                + ordinals[i]
                + " at place "
                + i
                + " must be above "
                + last
                + " and below reserved="
                + reserved
                + ", number tree nodes parents first");
      }
      last = ordinals[i];
    }
  }
}
