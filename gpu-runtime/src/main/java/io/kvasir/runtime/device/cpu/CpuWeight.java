package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.Weight;

/** What both kinds of CPU weights offer: the f32 values of one row as the checkpoint had it. */
sealed interface CpuWeight extends Weight permits PackedLinear, TableWeight {
  /** Widens the weights of output {@code column} into {@code target[offset .. + inWidth)}. */
  void readColumn(int column, float[] target, int offset);

  static CpuWeight of(Weight weight) {
    if (!(weight instanceof CpuWeight own)) {
      throw new DeviceException(
          "weight is not of the CPU device, pack it with this device's pack()");
    }
    return own;
  }

  static PackedLinear linear(Weight weight) {
    if (!(weight instanceof PackedLinear own)) {
      throw new DeviceException(
          "weight is not a packed linear layer of the CPU device, pack it with pack()");
    }
    return own;
  }
}
