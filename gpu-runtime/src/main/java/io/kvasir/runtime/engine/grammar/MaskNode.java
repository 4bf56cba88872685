package io.kvasir.runtime.engine.grammar;

/**
 * What a state (with some frames below it known) allows: tokens, and how the search would go on if
 * one more frame were known. Immutable.
 */
final class MaskNode {
  static final int[] NONE = {};

  final int id;

  /** Bits of the allowed tokens; null if they are few. */
  final long[] bits;

  /** The allowed tokens if they are few. */
  final int[] ids;

  /** Trie nodes at which the lowest known frame returned while tokens go on. */
  final int[] pending;

  /** Open calls above the state's frame that the answer rests on. */
  final int demand;

  MaskNode(int id, long[] bits, int[] ids, int[] pending, int demand) {
    this.id = id;
    this.bits = bits;
    this.ids = ids;
    this.pending = pending;
    this.demand = demand;
  }

  void addTo(long[] sum) {
    if (bits != null) {
      for (int i = 0; i < bits.length; i++) {
        sum[i] |= bits[i];
      }
    } else {
      for (int id : ids) {
        sum[id >> 6] |= 1L << id;
      }
    }
  }

  long bytes() {
    return 96 + 4L * (ids.length + pending.length) + (bits == null ? 0 : 8L * bits.length);
  }
}
