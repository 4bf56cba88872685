package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Kernels.Store;
import io.kvasir.runtime.device.Weight;

/** The checked operands of one {@code linear} call; reused, so that a call allocates nothing. */
final class LinearCall {
  float[] x;
  int xOffset;
  int xStride;
  int rows;
  PackedLinear weight;
  int firstPart;
  int endPart;
  float[] bias;
  float[] out;
  int outOffset;
  int outStride;
  Store store;

  LinearCall set(
      DeviceFloats x,
      long xOffset,
      int xStride,
      int rows,
      Weight weight,
      int firstPart,
      int endPart,
      DeviceFloats bias,
      DeviceFloats out,
      long outOffset,
      int outStride,
      Store store) {
    this.weight = CpuWeight.linear(weight);
    if (this.weight.closed()) {
      throw new DeviceException("linear weight is closed, keep it open while it is used");
    }
    if (firstPart < 0 || firstPart > endPart || endPart > weight.partCount()) {
      throw new DeviceException(
          "parts ["
              + firstPart
              + ", "
              + endPart
              + ") exceed the weight's partCount="
              + weight.partCount()
              + ", name parts that were packed");
    }
    int[] columns = this.weight.partColumn;
    int width = columns[endPart] - columns[firstPart];
    this.x = CpuFloats.requireRows("linear x", x, xOffset, rows, xStride, weight.inWidth());
    this.out = CpuFloats.requireRows("linear out", out, outOffset, rows, outStride, width);
    this.bias = bias == null ? null : CpuFloats.require("linear bias", bias, 0, width);
    this.xOffset = (int) xOffset;
    this.xStride = xStride;
    this.rows = rows;
    this.firstPart = firstPart;
    this.endPart = endPart;
    this.outOffset = (int) outOffset;
    this.outStride = outStride;
    this.store = store;
    return this;
  }

  /** Panels of the chosen parts, all together. */
  int panelCount() {
    return weight.partPanel[endPart] - weight.partPanel[firstPart];
  }
}
