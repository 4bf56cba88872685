package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.KvView;
import java.util.Arrays;

/**
 * For each row of a tile the smallest run of entries [low, high) that holds all it sees, and
 * whether it sees every entry of that run. Only rows with ranges, bits or a stray own entry need
 * the mask entry by entry.
 */
final class RowBounds {
  int[] low = new int[16];
  int[] high = new int[16];
  boolean[] dense = new boolean[16];

  /** The union over the rows; empty when {@code tileLow >= tileHigh}. */
  int tileLow;

  int tileHigh;

  /** Whether the tile's indices are known to ascend; all its rows look at one head of one view. */
  private boolean checked;

  private boolean ascending;

  void start(int rows) {
    if (low.length < rows) {
      low = Arrays.copyOf(low, 2 * rows);
      high = Arrays.copyOf(high, 2 * rows);
      dense = Arrays.copyOf(dense, 2 * rows);
    }
    tileLow = Integer.MAX_VALUE;
    tileHigh = 0;
    checked = false;
  }

  /** Bounds of plan row {@code row} as the tile's row {@code i}, cut to [from, to). */
  void add(int i, AttentionPlan plan, int row, KvView view, int kvHead, int from, int to) {
    int count = view.entryCounts[kvHead];
    if (!ascend(view, kvHead, count)) {
      // Overwritten slots of a head page, or branches of a tree: only the mask knows.
      keep(i, Math.max(0, from), Math.min(count, to), false);
      return;
    }
    int rowIndex = plan.rowIndex[row];
    int end = countUpTo(view, kvHead, count, rowIndex);
    int start =
        plan.window == 0 ? 0 : countUpTo(view, kvHead, count, (long) rowIndex - plan.window);
    boolean plain = plan.rowRanges == null || plan.rowRanges[row] == null;
    boolean hasBits = plan.rowBits != null && plan.rowBits[row] != null;
    plain &= !hasBits || plan.rowBitsFrom[row] >= end;
    int self = plan.rowSelfEntry[row];
    if (self >= 0 && self < count && (self < start || self >= end)) {
      plain &= start == end;
      start = start == end ? self : Math.min(start, self);
      end = Math.max(end, self + 1);
      end = plain ? self + 1 : end;
    }
    keep(i, Math.max(start, from), Math.min(end, to), plain);
  }

  private void keep(int i, int start, int end, boolean plain) {
    low[i] = start;
    high[i] = end;
    dense[i] = plain;
    if (start < end) {
      tileLow = Math.min(tileLow, start);
      tileHigh = Math.max(tileHigh, end);
    }
  }

  private boolean ascend(KvView view, int kvHead, int count) {
    if (!checked) {
      checked = true;
      ascending = view.indices == null || isAscending(view.indices[kvHead], count);
    }
    return ascending;
  }

  private static boolean isAscending(int[] indices, int count) {
    for (int e = 1; e < count; e++) {
      if (indices[e] < indices[e - 1]) {
        return false;
      }
    }
    return true;
  }

  /** How many entries have a logical index of at most {@code index}. */
  private static int countUpTo(KvView view, int kvHead, int count, long index) {
    if (view.indices == null) {
      return (int) Math.clamp(index - view.firstIndex + 1, 0L, (long) count);
    }
    int[] indices = view.indices[kvHead];
    int below = 0;
    int above = count;
    while (below < above) {
      int middle = (below + above) >>> 1;
      if (indices[middle] <= index) {
        below = middle + 1;
      } else {
        above = middle;
      }
    }
    return below;
  }
}
