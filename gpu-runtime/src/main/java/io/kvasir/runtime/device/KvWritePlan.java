package io.kvasir.runtime.device;

/**
 * Which rows' K and V go where. The writer rotates keys if the layout says so, encodes, and stores;
 * slots of one call are distinct.
 */
public final class KvWritePlan {
  public FrameLayout layout;
  public int kvHeadCount;

  /** Null when keys are stored raw or do not rotate. */
  public RotaryTable rotary;

  public PageMemory memory;

  public int count;

  /** Row of the source buffers per write. */
  public int[] row = new int[16];

  /** Frame address per write and head: [write × kvHeadCount + head]. */
  public long[] frame = new long[64];

  /** Slot per write and head, [write × kvHeadCount + head]. */
  public int[] slot = new int[64];

  /** Rotary positions per write, [write × axisCount + axis]. */
  public int[] position = new int[16];

  public int axisCount() {
    return rotary == null ? 1 : rotary.spec().axisCount();
  }

  /** Grows the arrays to {@code writes} writes; contents are kept. */
  public void ensure(int writes, int heads, int axes) {
    if (row.length < writes) {
      row = java.util.Arrays.copyOf(row, Math.max(writes, 2 * row.length));
    }
    if (frame.length < writes * heads) {
      frame = java.util.Arrays.copyOf(frame, Math.max(writes * heads, 2 * frame.length));
      slot = java.util.Arrays.copyOf(slot, frame.length);
    }
    if (position.length < writes * axes) {
      position = java.util.Arrays.copyOf(position, Math.max(writes * axes, 2 * position.length));
    }
  }
}
