package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.KvView;

/** Who sees what: the mask rules of {@link AttentionPlan}, entry by entry. */
final class Visibility {
  private Visibility() {}

  static int index(KvView view, int kvHead, int entry) {
    return view.indices == null ? view.firstIndex + entry : view.indices[kvHead][entry];
  }

  /** The place of an entry in the reduction order. */
  static int order(KvView view, int kvHead, int entry) {
    return view.orderByEntry ? entry : index(view, kvHead, entry);
  }

  static boolean sees(AttentionPlan plan, int row, KvView view, int kvHead, int entry) {
    if (plan.rowSelfEntry[row] == entry) {
      return true;
    }
    int index = index(view, kvHead, entry);
    int rowIndex = plan.rowIndex[row];
    if (index > rowIndex || (plan.window > 0 && index <= rowIndex - plan.window)) {
      return false;
    }
    return inRanges(plan, row, index) && hasBit(plan, row, entry);
  }

  private static boolean inRanges(AttentionPlan plan, int row, int index) {
    int[] ranges = plan.rowRanges == null ? null : plan.rowRanges[row];
    if (ranges == null) {
      return true;
    }
    for (int i = 0; i < ranges.length; i += 2) {
      if (index >= ranges[i] && index < ranges[i + 1]) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasBit(AttentionPlan plan, int row, int entry) {
    long[] bits = plan.rowBits == null ? null : plan.rowBits[row];
    if (bits == null || entry < plan.rowBitsFrom[row]) {
      return true;
    }
    int at = entry - plan.rowBitsFrom[row];
    return at >> 6 < bits.length && (bits[at >> 6] >>> (at & 63) & 1) != 0;
  }
}
