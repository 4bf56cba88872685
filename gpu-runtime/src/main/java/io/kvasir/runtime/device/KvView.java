package io.kvasir.runtime.device;

/**
 * What attention sees of one sequence at one layer: per KV head a list of frames and a count of
 * entries. Entry e of head h lies in frame {@code e / slots}, slot {@code e % slots}.
 *
 * <p>The address of frame p of head h is {@code frames[framesStart + h × headTableStride + p] +
 * headOffsetBytes × h + layerOffsetBytes}: token pages share one list for all layers and heads
 * (headTableStride 0), head pages have a list per head (both offsets 0).
 *
 * <p>Fields are public and mutable because the cache fills one instance per sequence and layer
 * group and reuses it every step; a device reads it during the call only.
 */
public final class KvView {
  public long[] frames;
  public int framesStart;
  public int headTableStride;
  public long headOffsetBytes;
  public long layerOffsetBytes;

  /** Entries per KV head. */
  public int[] entryCounts;

  /**
   * Logical index per head and entry; {@code null}: entry e has index {@code firstIndex + e}. Masks
   * compare these. They mostly ascend, but need not: branches of a tree repeat indices, and an
   * overwritten slot of a head page holds a later one.
   */
  public int[][] indices;

  /** Logical index of entry 0 where {@link #indices} is null. */
  public int firstIndex;

  /**
   * True for head pages: the reduction order is the entry's ordinal in its head's list; false: it
   * is the logical index. A masked or absent entry contributes exactly nothing.
   */
  public boolean orderByEntry;

  /** Raw-key pages only: rotary position [head][entry × axisCount + axis]; null: the index. */
  public int[][] positions;

  /** Merged tokens: added to the scaled score, [head][entry]; null for none. */
  public float[][] logWeights;

  public long frameAddress(int head, int frame) {
    return frames[framesStart + head * headTableStride + frame]
        + headOffsetBytes * head
        + layerOffsetBytes;
  }
}
