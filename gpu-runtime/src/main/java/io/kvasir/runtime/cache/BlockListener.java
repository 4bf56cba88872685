package io.kvasir.runtime.cache;

/**
 * Told when a block appears in or leaves the device's prefix index, for directories and tiers.
 * Called on the engine's thread in the middle of a cache operation: note it and return, never call
 * back. Keys come as two longs so that nothing is allocated when nobody listens.
 */
public interface BlockListener {
  /** Ignores everything. */
  BlockListener NONE =
      new BlockListener() {
        @Override
        public void sealed(int group, long keyHigh, long keyLow) {}

        @Override
        public void evicted(int group, long keyHigh, long keyLow) {}
      };

  void sealed(int group, long keyHigh, long keyLow);

  void evicted(int group, long keyHigh, long keyLow);
}
