package io.kvasir.runtime.device;

import io.kvasir.runtime.device.cpu.CpuDevice;

/** Where devices come from. */
public final class Devices {
  private Devices() {}

  /**
   * The CPU with {@code threads} threads, the calling one included.
   *
   * @throws DeviceException if {@code threads} is not in [1, 1024]
   */
  public static Device cpu(int threads) {
    return CpuDevice.open(threads);
  }
}
