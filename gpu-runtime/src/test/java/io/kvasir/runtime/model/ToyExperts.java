package io.kvasir.runtime.model;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.Kernels.Store;
import io.kvasir.runtime.device.Weight;
import java.util.Arrays;

/**
 * A small mixture of experts: softmax over the best {@code topK} router scores, contributions added
 * in ascending expert order. An item whose rows need an expert that is not there parks.
 */
final class ToyExperts implements FeedForward {
  private final DeviceFloats norm;
  private final Weight router;
  private final WeightSlot[] gateUp;
  private final WeightSlot[] down;
  private final int topK;
  private final int intermediate;
  private final int width;
  private final DeviceFloats scores;
  private final DeviceFloats normed;
  private final DeviceFloats picked;
  private final DeviceFloats wide;
  private final DeviceFloats activated;
  private final DeviceFloats partial;

  ToyExperts(
      Device device, Weight router, WeightSlot[] gateUp, WeightSlot[] down, int topK, int ffn) {
    this.router = router;
    this.gateUp = gateUp;
    this.down = down;
    this.topK = topK;
    this.intermediate = ffn;
    this.width = router.inWidth();
    int rows = 64;
    norm = device.floats(width);
    float[] ones = new float[width];
    Arrays.fill(ones, 1f);
    device.upload(ones, 0, norm, 0, width);
    scores = device.floats((long) rows * gateUp.length);
    normed = device.floats((long) rows * width);
    picked = device.floats((long) rows * width);
    wide = device.floats(2L * rows * ffn);
    activated = device.floats((long) rows * ffn);
    partial = device.floats((long) rows * width);
  }

  @Override
  public boolean forward(StepContext c, int layer, RowSet rows) {
    Kernels k = c.device().kernels();
    int n = rows.count();
    int experts = gateUp.length;
    int[] batchRow = new int[n];
    Arrays.setAll(batchRow, rows::row);
    k.gatherRows(c.hidden(), batchRow, n, width, picked, 0);
    k.rmsNorm(picked, norm, 1e-5f, n, width, normed);
    k.linear(normed, 0, width, n, router, 0, 1, null, scores, 0, experts, Store.SET);
    c.hook(HookPoint.ROUTER, layer, rows, scores, 0, experts, experts);
    float[] host = new float[n * experts];
    c.device().download(scores, 0, host, 0, host.length);
    c.device().await();
    float[][] factor = new float[n][];
    Arrays.setAll(factor, r -> route(Arrays.copyOfRange(host, r * experts, (r + 1) * experts)));
    Weight[] up = new Weight[experts];
    Weight[] out = new Weight[experts];
    for (int e = 0; e < experts; e++) {
      up[e] = gateUp[e].acquire();
      out[e] = up[e] == null ? null : down[e].acquire();
    }
    boolean[] parked = park(c, batchRow, factor, out);
    for (int e = 0; e < experts; e++) {
      if (out[e] != null) {
        runExpert(c, k, e, batchRow, factor, parked, up[e], out[e]);
        down[e].release();
        gateUp[e].release();
      }
    }
    return true;
  }

  private boolean[] park(StepContext c, int[] batchRow, float[][] factor, Weight[] experts) {
    boolean[] parked = new boolean[batchRow.length];
    for (int i = 0; i < c.itemCount(); i++) {
      int end = c.firstRow(i) + c.item(i).liveRows();
      boolean waits = false;
      for (int pass = 0; pass < 2; pass++) {
        for (int r = 0; r < batchRow.length; r++) {
          boolean mine = batchRow[r] >= c.firstRow(i) && batchRow[r] < end;
          for (int e = 0; mine && e < experts.length; e++) {
            waits |= factor[r][e] != 0f && experts[e] == null;
          }
          parked[r] |= mine && waits;
        }
      }
      if (waits) {
        c.park(c.item(i));
      }
    }
    return parked;
  }

  private void runExpert(
      StepContext c,
      Kernels k,
      int e,
      int[] batchRow,
      float[][] factor,
      boolean[] parked,
      Weight up,
      Weight out) {
    int[] from = new int[batchRow.length];
    int[] to = new int[batchRow.length];
    float[] weights = new float[batchRow.length];
    int n = 0;
    for (int r = 0; r < batchRow.length; r++) {
      if (factor[r][e] != 0f && !parked[r]) {
        from[n] = r;
        to[n] = batchRow[r];
        weights[n++] = factor[r][e];
      }
    }
    if (n == 0) {
      return;
    }
    k.gatherRows(normed, from, n, width, picked, 0);
    k.linear(picked, 0, width, n, up, 0, 2, null, wide, 0, 2 * intermediate, Store.SET);
    k.swiglu(wide, n, intermediate, activated);
    k.linear(activated, 0, intermediate, n, out, 0, 1, null, partial, 0, width, Store.SET);
    k.addRows(partial, to, weights, n, width, c.hidden());
  }

  /** The factor of each expert, 0 where it is not chosen; ties go to the lower expert. */
  private float[] route(float[] score) {
    float[] factor = new float[score.length];
    double sum = 0;
    for (int pick = 0; pick < topK; pick++) {
      int best = -1;
      for (int e = 0; e < score.length; e++) {
        if (factor[e] == 0f && (best < 0 || score[e] > score[best])) {
          best = e;
        }
      }
      factor[best] = (float) StrictMath.exp(score[best]);
      sum += factor[best];
    }
    for (int e = 0; e < score.length; e++) {
      factor[e] = (float) (factor[e] / sum);
    }
    return factor;
  }

  @Override
  public long weightBytes() {
    return router.bytes();
  }
}
