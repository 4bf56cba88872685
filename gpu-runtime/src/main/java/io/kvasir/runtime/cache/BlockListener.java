package io.kvasir.runtime.cache;

/**
 * Told when a block appears in or leaves the device's prefix index, for directories and tiers.
 * Called on the engine's thread in the middle of a cache operation: note it and return, never call
 * back, never throw. Keys come as two longs so that nothing is allocated.
 */
public interface BlockListener {
  /** Ignores everything. */
  BlockListener NONE =
      new BlockListener() {
        @Override
        public void sealed(
            int group, long high, long low, long rootHigh, long rootLow, int index) {}

        @Override
        public void evicted(int group, long high, long low) {}
      };

  /**
   * A block appeared.
   *
   * @param rootHigh key of the chain's root (first block of group 0)
   * @param index place in the chain, from 0
   */
  void sealed(int group, long high, long low, long rootHigh, long rootLow, int index);

  /** A block left. */
  void evicted(int group, long high, long low);
}
