package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import java.util.ArrayDeque;
import org.agrona.collections.Int2ObjectHashMap;

/** Spare state buffers by size, so that sequences come and go without device allocations. */
final class StatePool implements AutoCloseable {
  private final Device device;
  private final Int2ObjectHashMap<ArrayDeque<DeviceFloats>> spares = new Int2ObjectHashMap<>();
  private long bytes;

  StatePool(Device device) {
    this.device = device;
  }

  /** Bytes of all buffers in use and spare. */
  long bytes() {
    return bytes;
  }

  /** A buffer with undefined contents unless {@code zeroed}. */
  DeviceFloats take(int floats, boolean zeroed) {
    ArrayDeque<DeviceFloats> list = spares.get(floats);
    if (list == null || list.isEmpty()) {
      bytes += 4L * floats;
      return device.floats(floats);
    }
    DeviceFloats buffer = list.pop();
    if (zeroed) {
      device.kernels().zero(buffer, 0, floats);
    }
    return buffer;
  }

  void give(int floats, DeviceFloats buffer) {
    ArrayDeque<DeviceFloats> list = spares.get(floats);
    if (list == null) {
      list = new ArrayDeque<>();
      spares.put(floats, list);
    }
    list.push(buffer);
  }

  @Override
  public void close() {
    for (ArrayDeque<DeviceFloats> list : spares.values()) {
      list.forEach(DeviceFloats::close);
    }
    spares.clear();
  }
}
