package io.kvasir.runtime.model;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import java.util.Set;

/**
 * Looks at values of one work item while a layer runs; costs nothing where no item declares one.
 */
public interface LayerHook {
  /** Points this hook wants. */
  Set<HookPoint> points();

  /** Called on the engine's thread with the item's rows only. */
  void at(HookPoint point, WorkItem item, int layer, View view);

  /**
   * Rows of one item inside a device buffer: row i of the view is row ordinal {@code ordinals[i]}
   * and lies at {@code offset + i × stride}.
   */
  record View(
      Device device, DeviceFloats buffer, long offset, int stride, int width, int[] ordinals) {
    /** Copies the view's rows to the host, [rows, width]. */
    public float[] download() {
      float[] values = new float[ordinals.length * width];
      for (int i = 0; i < ordinals.length; i++) {
        device.download(buffer, offset + (long) i * stride, values, i * width, width);
      }
      device.await();
      return values;
    }
  }
}
