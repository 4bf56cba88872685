package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.FrameLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Single values of page frames: the plain meaning of {@link FrameLayout}. */
final class Frames {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Frames() {}

  static long keyAddress(FrameLayout layout, long frame, int slot, int channel) {
    long index = (long) channel * layout.slots() + slot;
    return frame + index * layout.encoding().bytesPerValue();
  }

  static long valueAddress(FrameLayout layout, long frame, int slot, int channel) {
    long index = (long) slot * layout.valueWidth() + channel;
    return frame + layout.keyBytes() + index * layout.encoding().bytesPerValue();
  }

  static float read(MemorySegment pages, FrameLayout layout, long address) {
    return switch (layout.encoding()) {
      case F32 -> pages.get(FLOAT, address);
      case BF16 -> Bits16.fromBf16(pages.get(SHORT, address));
    };
  }

  static void write(MemorySegment pages, FrameLayout layout, long address, float value) {
    switch (layout.encoding()) {
      case F32 -> pages.set(FLOAT, address, value);
      case BF16 -> pages.set(SHORT, address, Bits16.toBf16(value));
    }
  }

  static void requireSlot(FrameLayout layout, int slot) {
    if (slot < 0 || slot >= layout.slots()) {
      throw new DeviceException(
          "slot="
              + slot
              + " is outside the frame's [0, "
              + layout.slots()
              + "), use its next frame");
    }
  }

  static void copySlot(
      MemorySegment pages,
      FrameLayout layout,
      long fromFrame,
      int fromSlot,
      long toFrame,
      int toSlot) {
    requireSlot(layout, fromSlot);
    requireSlot(layout, toSlot);
    int bytes = layout.encoding().bytesPerValue();
    for (int c = 0; c < layout.keyWidth(); c++) {
      long from = keyAddress(layout, fromFrame, fromSlot, c);
      MemorySegment.copy(pages, from, pages, keyAddress(layout, toFrame, toSlot, c), bytes);
    }
    MemorySegment.copy(
        pages,
        valueAddress(layout, fromFrame, fromSlot, 0),
        pages,
        valueAddress(layout, toFrame, toSlot, 0),
        (long) layout.valueWidth() * bytes);
  }
}
