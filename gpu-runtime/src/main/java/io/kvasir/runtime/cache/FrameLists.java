package io.kvasir.runtime.cache;

/**
 * References of one sequence to head frames: a list for each layer and head of a group, laid out
 * with one stride as a device reads them.
 */
final class FrameLists {
  private final FramePool pool;
  private final int lists;
  private final int slots;
  private final int[] frameCount;
  private long[] handles;
  private long[] addresses;
  private int stride = 4;

  FrameLists(FramePool pool, int lists, int slots) {
    this.pool = pool;
    this.lists = lists;
    this.slots = slots;
    frameCount = new int[lists];
    handles = new long[lists * stride];
    addresses = new long[lists * stride];
  }

  /** Distance of two lists in {@link #addresses}. */
  int stride() {
    return stride;
  }

  /** All frame addresses, [list × stride + frame]; replaced when the stride grows. */
  long[] addresses() {
    return addresses;
  }

  /** Address of the frame that holds an entry of a list. */
  long address(int list, int entry) {
    return addresses[list * stride + entry / slots];
  }

  /** Frames to take so that a list can hold {@code entries} entries. */
  int missing(int list, int entries) {
    return Math.max(0, (entries + slots - 1) / slots - frameCount[list]);
  }

  /** Takes frames until the list can hold {@code entries}; false when pages ran out half-way. */
  boolean grow(int list, int entries) {
    int end = (entries + slots - 1) / slots;
    widen(end);
    while (frameCount[list] < end) {
      long handle = pool.take();
      if (handle == 0) {
        return false;
      }
      int at = list * stride + frameCount[list]++;
      handles[at] = handle;
      addresses[at] = pool.address(handle);
    }
    return true;
  }

  private void widen(int frames) {
    if (frames <= stride) {
      return;
    }
    int wider = Math.max(frames, 2 * stride);
    long[] newHandles = new long[lists * wider];
    long[] newAddresses = new long[lists * wider];
    for (int list = 0; list < lists; list++) {
      System.arraycopy(handles, list * stride, newHandles, list * wider, frameCount[list]);
      System.arraycopy(addresses, list * stride, newAddresses, list * wider, frameCount[list]);
    }
    handles = newHandles;
    addresses = newAddresses;
    stride = wider;
  }

  /** Gives back the frames of a list beyond those that {@code entries} entries need. */
  void trim(int list, int entries) {
    int end = (entries + slots - 1) / slots;
    while (frameCount[list] > end) {
      int at = list * stride + --frameCount[list];
      pool.give(handles[at]);
      handles[at] = 0;
    }
  }
}
