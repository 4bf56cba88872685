package io.kvasir.runtime.blocks;

/**
 * Keys of the full blocks of one token sequence, a chain per layer group. Immutable; made by {@link
 * KeyScheme}.
 */
public final class BlockKeys {
  private final int slots;
  private final long[][] high;
  private final long[][] low;

  /** Takes the arrays over: [group][block]. */
  BlockKeys(int slots, long[][] high, long[][] low) {
    this.slots = slots;
    this.high = high;
    this.low = low;
  }

  /** Tokens a block. */
  public int slots() {
    return slots;
  }

  public int groupCount() {
    return high.length;
  }

  /** Full blocks of the sequence. */
  public int blockCount() {
    return high[0].length;
  }

  public BlockId id(int group, int block) {
    return new BlockId(group, high[group][block], low[group][block]);
  }

  public long high(int group, int block) {
    return high[group][block];
  }

  public long low(int group, int block) {
    return low[group][block];
  }

  /**
   * The chain's root, which places it in the directory: the first block of group 0.
   *
   * @throws IndexOutOfBoundsException without a full block
   */
  public BlockId root() {
    return id(0, 0);
  }
}
