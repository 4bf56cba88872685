package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.PageMemory;

/** Collects single-entry copies of one frame layout and hands them to the device in order. */
final class SlotCopies {
  private static final int BATCH = 2048;

  private final Device device;
  private final PageMemory memory;
  private final long[] fromFrame = new long[BATCH];
  private final int[] fromSlot = new int[BATCH];
  private final long[] toFrame = new long[BATCH];
  private final int[] toSlot = new int[BATCH];
  private FrameLayout layout;
  private int count;

  SlotCopies(Device device, PageMemory memory) {
    this.device = device;
    this.memory = memory;
  }

  void begin(FrameLayout frames) {
    layout = frames;
    count = 0;
  }

  void add(long sourceFrame, int sourceSlot, long targetFrame, int targetSlot) {
    if (count == BATCH) {
      flush();
    }
    fromFrame[count] = sourceFrame;
    fromSlot[count] = sourceSlot;
    toFrame[count] = targetFrame;
    toSlot[count] = targetSlot;
    count++;
  }

  /** Enqueues what is left; copies take effect in the order they were added. */
  void flush() {
    if (count > 0) {
      device.kernels().copySlots(memory, layout, fromFrame, fromSlot, toFrame, toSlot, count);
      count = 0;
    }
  }
}
