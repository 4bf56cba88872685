package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Event;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.PageMemory;
import io.kvasir.runtime.device.RotarySpec;
import io.kvasir.runtime.device.RotaryTable;
import io.kvasir.runtime.device.Weight;
import io.kvasir.runtime.device.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.Arrays;

/**
 * A device with heap memory and no arithmetic: only what the cache itself calls. Pages start
 * poisoned, and released buffers are counted.
 */
final class HeapPageDevice implements Device {
  record Pages(byte[] bytes8, HeapPageDevice owner) implements PageMemory {
    @Override
    public long bytes() {
      return bytes8.length;
    }

    @Override
    public void close() {
      owner.openPages--;
    }
  }

  record Floats(float[] values, HeapPageDevice owner) implements DeviceFloats {
    @Override
    public long count() {
      return values.length;
    }

    @Override
    public void close() {
      owner.openFloats--;
    }
  }

  int openPages;
  int openFloats;

  private final Kernels kernels =
      (Kernels)
          Proxy.newProxyInstance(
              Kernels.class.getClassLoader(),
              new Class<?>[] {Kernels.class},
              (proxy, method, args) -> {
                switch (method.getName()) {
                  case "zero" -> {
                    int from = Math.toIntExact((Long) args[1]);
                    int count = Math.toIntExact((Long) args[2]);
                    Arrays.fill(((Floats) args[0]).values(), from, from + count, 0f);
                  }
                  case "copySlots" ->
                      copySlots(
                          ((Pages) args[0]).bytes8(),
                          (FrameLayout) args[1],
                          (long[]) args[2],
                          (int[]) args[3],
                          (long[]) args[4],
                          (int[]) args[5],
                          (Integer) args[6]);
                  default -> throw new DeviceException(method.getName() + " is not the cache's");
                }
                return null;
              });

  private static void copySlots(
      byte[] bytes,
      FrameLayout layout,
      long[] fromFrame,
      int[] fromSlot,
      long[] toFrame,
      int[] toSlot,
      int count) {
    int b = layout.encoding().bytesPerValue();
    for (int i = 0; i < count; i++) {
      int from = (int) fromFrame[i];
      int to = (int) toFrame[i];
      for (int c = 0; c < layout.keyWidth(); c++) {
        int row = c * layout.slots();
        System.arraycopy(
            bytes, from + (row + fromSlot[i]) * b, bytes, to + (row + toSlot[i]) * b, b);
      }
      int width = layout.valueWidth() * b;
      int values = (int) layout.keyBytes();
      System.arraycopy(
          bytes,
          from + values + fromSlot[i] * width,
          bytes,
          to + values + toSlot[i] * width,
          width);
    }
  }

  static byte[] bytes(PageMemory memory) {
    return ((Pages) memory).bytes8();
  }

  static float[] values(DeviceFloats floats) {
    return ((Floats) floats).values();
  }

  @Override
  public String name() {
    return "heap pages (test)";
  }

  @Override
  public String arithmetic() {
    return "none";
  }

  @Override
  public DeviceFloats floats(long count) {
    openFloats++;
    return new Floats(new float[Math.toIntExact(count)], this);
  }

  @Override
  public PageMemory pages(long bytes) {
    byte[] memory = new byte[Math.toIntExact(bytes)];
    Arrays.fill(memory, (byte) 0xA5);
    openPages++;
    return new Pages(memory, this);
  }

  @Override
  public Weight pack(WeightFormat format, MatrixSource... parts) {
    throw new DeviceException("no weights here");
  }

  @Override
  public Weight packTable(WeightFormat format, MatrixSource table) {
    throw new DeviceException("no weights here");
  }

  @Override
  public RotaryTable rotary(RotarySpec spec) {
    throw new DeviceException("no rotary tables here");
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public void upload(float[] source, int sourceOffset, DeviceFloats target, long at, int count) {
    System.arraycopy(source, sourceOffset, values(target), (int) at, count);
  }

  @Override
  public void download(DeviceFloats source, long at, float[] target, int targetAt, int count) {
    System.arraycopy(values(source), (int) at, target, targetAt, count);
  }

  @Override
  public void copy(DeviceFloats source, long from, DeviceFloats target, long to, long count) {
    System.arraycopy(values(source), (int) from, values(target), (int) to, (int) count);
  }

  @Override
  public void downloadPages(PageMemory source, long offsetBytes, MemorySegment target) {
    target.copyFrom(MemorySegment.ofArray(bytes(source)).asSlice(offsetBytes, target.byteSize()));
  }

  @Override
  public void uploadPages(MemorySegment source, PageMemory target, long offsetBytes) {
    MemorySegment.ofArray(bytes(target)).asSlice(offsetBytes, source.byteSize()).copyFrom(source);
  }

  @Override
  public void copyPages(PageMemory memory, long fromBytes, long toBytes, long lengthBytes) {
    System.arraycopy(
        bytes(memory), (int) fromBytes, bytes(memory), (int) toBytes, (int) lengthBytes);
  }

  @Override
  public Event record() {
    return Event.DONE;
  }

  @Override
  public void await() {}

  @Override
  public void close() {}
}
