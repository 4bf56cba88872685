package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * The tokens of one sequence and the keys of its full blocks, one chain per group. Sealing ends for
 * good when the sequence's KV stops being a function of its tokens, until a policy names itself
 * (law 5).
 */
final class BlockChain {
  private final KvCache cache;
  private final byte[][] domainDigests;
  private final long[] parentHigh;
  private final long[] parentLow;
  private final int slots;

  /** Key of group 0's first block, once known. */
  private long rootHigh;

  private long rootLow;
  private int[] tokens = new int[64];
  private int tokenCount;
  private int sealedBlocks;
  private boolean sealing = true;
  private boolean mapped = true;
  private BlockExtras extras = BlockExtras.NONE;
  private byte[] policy;

  BlockChain(KvCache cache, byte[][] domainDigests) {
    this.cache = cache;
    this.domainDigests = domainDigests;
    slots = cache.layout().slots();
    parentHigh = new long[domainDigests.length];
    parentLow = new long[domainDigests.length];
  }

  int tokenCount() {
    return tokenCount;
  }

  int[] tokens() {
    return Arrays.copyOf(tokens, tokenCount);
  }

  int sealedBlocks() {
    return sealedBlocks;
  }

  boolean isSealing() {
    return sealing;
  }

  byte[] policy() {
    return policy;
  }

  BlockExtras extras() {
    return extras;
  }

  byte[][] domainDigests() {
    return domainDigests;
  }

  void extras(BlockExtras value) {
    extras = value;
  }

  /** From here on blocks are published only under a key that names the policy. */
  void derive(byte[] policyDigest) {
    policy = policyDigest.clone();
    sealing = mapped;
  }

  /** The KV is no longer what the tokens alone give. */
  void stopSealing() {
    sealing = false;
  }

  /** Entries no longer correspond to tokens, so blocks cannot be keyed by tokens at all. */
  void unmap() {
    mapped = false;
    sealing = false;
  }

  /** Takes over the standing of an imported chain; its blocks are keyed anew by the next seal. */
  void resume(boolean wasSealing, boolean wasMapped, byte[] policyDigest) {
    // Blocks before the policy's first step carry plain keys, later ones derived keys; where that
    // border lay is not known any more, so an imported derived chain publishes nothing.
    sealing = wasSealing && policyDigest == null;
    mapped = wasMapped;
    policy = policyDigest;
  }

  boolean isMapped() {
    return mapped;
  }

  void append(int[] source, int from, int to) {
    int count = to - from;
    if (tokenCount + count > tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(tokenCount + count, 2 * tokens.length));
    }
    System.arraycopy(source, from, tokens, tokenCount, count);
    tokenCount += count;
  }

  /** Takes over the chain of an attached prefix. */
  void attached(int[] source, int blocks, long[][] keyHigh, long[][] keyLow) {
    append(source, 0, blocks * slots);
    sealedBlocks = blocks;
    rootHigh = keyHigh[0][0];
    rootLow = keyLow[0][0];
    for (int g = 0; g < parentHigh.length; g++) {
      parentHigh[g] = keyHigh[g][blocks - 1];
      parentLow[g] = keyLow[g][blocks - 1];
    }
  }

  void copyFrom(BlockChain other) {
    append(other.tokens, 0, other.tokenCount);
    sealedBlocks = other.sealedBlocks;
    rootHigh = other.rootHigh;
    rootLow = other.rootLow;
    sealing = other.sealing;
    mapped = other.mapped;
    extras = other.extras;
    policy = other.policy;
    System.arraycopy(other.parentHigh, 0, parentHigh, 0, parentHigh.length);
    System.arraycopy(other.parentLow, 0, parentLow, 0, parentLow.length);
  }

  /** Seals every block whose tokens are known and whose entries are committed. */
  int seal(GroupTables tables) {
    int sealed = 0;
    while (sealing && (sealedBlocks + 1) * slots <= tokenCount && isReady(tables)) {
      int from = sealedBlocks * slots;
      KeyExtras given = extras.of(sealedBlocks, from, from + slots);
      for (int g = 0; g < tables.count(); g++) {
        TokenTable table = tables.tokens(g);
        cache.hasher.hash(
            domainDigests[g],
            sealedBlocks > 0,
            parentHigh[g],
            parentLow[g],
            tokens,
            from,
            slots,
            withOwn(given, table, from));
        parentHigh[g] = cache.hasher.high();
        parentLow[g] = cache.hasher.low();
        if (sealedBlocks == 0 && g == 0) {
          rootHigh = parentHigh[0];
          rootLow = parentLow[0];
        }
        if (sealedBlocks >= table.firstPage()) {
          table.seal(sealedBlocks, parentHigh[g], parentLow[g], rootHigh, rootLow);
        }
      }
      sealedBlocks++;
      sealed++;
    }
    return sealed;
  }

  private boolean isReady(GroupTables tables) {
    for (int g = 0; g < tables.count(); g++) {
      if (tables.get(g).committed < (sealedBlocks + 1) * slots) {
        return false;
      }
    }
    return true;
  }

  /**
   * Adds what the tables know and the caller did not say: indices, positions and weights that are
   * not the default, and the policy's name.
   */
  private KeyExtras withOwn(KeyExtras given, TokenTable table, int from) {
    KeyExtras all = given;
    SideTable side = table.side;
    int first = table.firstEntry();
    int at = from - first;
    int end = at + slots;
    if (at >= 0 && !given.has(KeyExtras.INDICES) && side.indexDiffers(at, end, first)) {
      all = all.withInts(KeyExtras.INDICES, side.indices(), at, end);
    }
    if (at >= 0 && !given.has(KeyExtras.POSITIONS) && side.positionDiffers(at, end, first)) {
      int axes = cache.layout().positionAxes();
      all = all.withInts(KeyExtras.POSITIONS, side.positions(), at * axes, end * axes);
    }
    if (at >= 0 && !given.has(KeyExtras.LOG_WEIGHTS) && side.logWeightDiffers(at, end)) {
      all = all.withFloats(KeyExtras.LOG_WEIGHTS, side.logWeights(), at, end);
    }
    return policy == null ? all : all.with(KeyExtras.POLICY, policy);
  }
}
