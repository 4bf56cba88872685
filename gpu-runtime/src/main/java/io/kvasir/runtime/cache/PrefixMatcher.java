package io.kvasir.runtime.cache;

/**
 * Finds the longest chain of full blocks that every group can serve. Full groups need every block
 * from the first; a window group needs only those that a later row, or the recomputed last row, can
 * see. Scratch arrays grow once and are reused.
 */
final class PrefixMatcher {
  private final KvCache cache;
  private final CacheLayout layout;
  private final int slots;
  private final int[][] block;
  private final int[][] run;
  private final long[][] keyHigh;
  private final long[][] keyLow;
  private int known;

  PrefixMatcher(KvCache cache) {
    this.cache = cache;
    layout = cache.layout();
    slots = layout.slots();
    int groups = layout.groupCount();
    block = new int[groups][0];
    run = new int[groups][0];
    keyHigh = new long[groups][0];
    keyLow = new long[groups][0];
  }

  long[][] keyHigh() {
    return keyHigh;
  }

  long[][] keyLow() {
    return keyLow;
  }

  int[] blocks(int group) {
    return block[group];
  }

  /** Computes keys and looks blocks up, then returns the number of blocks that can be attached. */
  int match(BlockChain chain, int[] tokens, int tokenCount) {
    int limit = tokenCount / slots;
    ensure(limit);
    known = 0;
    boolean goOn = true;
    while (goOn && known < limit) {
      goOn = lookUp(chain, tokens, known);
      known += goOn ? 1 : 0;
    }
    for (int blocks = known; blocks > 0; blocks--) {
      if (fits(blocks)) {
        return blocks;
      }
    }
    return 0;
  }

  /** Keys of one block in every group; false when a group that needs all blocks lacks it. */
  private boolean lookUp(BlockChain chain, int[] tokens, int b) {
    KeyExtras extras = chain.extras().of(b, b * slots, (b + 1) * slots);
    boolean found = true;
    for (int g = 0; g < block.length; g++) {
      cache.hasher.hash(
          chain.domainDigests()[g],
          b > 0,
          b > 0 ? keyHigh[g][b - 1] : 0,
          b > 0 ? keyLow[g][b - 1] : 0,
          tokens,
          b * slots,
          slots,
          extras);
      keyHigh[g][b] = cache.hasher.high();
      keyLow[g][b] = cache.hasher.low();
      block[g][b] = cache.store.find(g, keyHigh[g][b], keyLow[g][b]);
      run[g][b] = block[g][b] < 0 ? 0 : 1 + (b > 0 ? run[g][b - 1] : 0);
      found &= block[g][b] >= 0 || layout.group(g).window() > 0;
    }
    return found;
  }

  private boolean fits(int blocks) {
    for (int g = 0; g < block.length; g++) {
      if (run[g][blocks - 1] < blocks - firstNeeded(g, blocks)) {
        return false;
      }
    }
    return true;
  }

  /** First block that a row at index {@code blocks × slots − 1} or later can see. */
  int firstNeeded(int group, int blocks) {
    int window = layout.group(group).window();
    return window == 0 ? 0 : Math.max(0, blocks * slots - window) / slots;
  }

  private void ensure(int blocks) {
    if (block[0].length < blocks) {
      int length = Math.max(blocks, 2 * block[0].length);
      for (int g = 0; g < block.length; g++) {
        block[g] = new int[length];
        run[g] = new int[length];
        keyHigh[g] = new long[length];
        keyLow[g] = new long[length];
      }
    }
  }
}
