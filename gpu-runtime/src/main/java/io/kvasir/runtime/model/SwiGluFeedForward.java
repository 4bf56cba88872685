package io.kvasir.runtime.model;

import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Kernels.Store;
import io.kvasir.runtime.device.Weight;

/**
 * h += down(silu(gate·x) ⊙ (up·x)), x = RMSNorm(h). Gate and up are two parts of one weight.
 *
 * @param gateUpBias [2 × intermediate] or null
 * @param downBias [hiddenSize] or null
 * @param collective sums the ranks' partial outputs; null when the layer is whole
 */
public record SwiGluFeedForward(
    DeviceFloats norm,
    float eps,
    WeightSlot gateUp,
    DeviceFloats gateUpBias,
    WeightSlot down,
    DeviceFloats downBias,
    int intermediateSize,
    Collective collective)
    implements FeedForward {

  @Override
  public boolean forward(StepContext c, int layer, RowSet rows) {
    Weight up = gateUp.acquire();
    if (up == null) {
      return false;
    }
    Weight out = down.acquire();
    if (out == null) {
      gateUp.release();
      return false;
    }
    try {
      StepBuffers b = c.buffers;
      int width = c.hiddenSize();
      int n = rows.count();
      DeviceFloats source = b.hidden;
      if (!rows.all) {
        c.kernels.gatherRows(b.hidden, rows.rows, n, width, b.gathered, 0);
        source = b.gathered;
      }
      c.kernels.rmsNorm(source, norm, eps, n, width, b.normed);
      int wide = 2 * intermediateSize;
      c.kernels.linear(b.normed, 0, width, n, up, 0, 2, gateUpBias, b.gateUp, 0, wide, Store.SET);
      c.kernels.swiglu(b.gateUp, n, intermediateSize, b.activated);
      if (rows.all && collective == null) {
        c.kernels.linear(
            b.activated,
            0,
            intermediateSize,
            n,
            out,
            0,
            1,
            downBias,
            b.hidden,
            0,
            width,
            Store.ADD);
      } else {
        c.kernels.linear(
            b.activated,
            0,
            intermediateSize,
            n,
            out,
            0,
            1,
            downBias,
            b.projected,
            0,
            width,
            Store.SET);
        if (collective != null) {
          collective.allReduceSum(c.device, b.projected, 0, n * width);
        }
        c.kernels.addRows(b.projected, rows.rows, null, n, width, b.hidden);
      }
      return true;
    } finally {
      down.release();
      gateUp.release();
    }
  }

  @Override
  public long weightBytes() {
    return gateUp.bytes() + down.bytes();
  }
}
