package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.AttentionStatistic;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.device.RotaryTable;
import io.kvasir.runtime.device.Weight;
import java.lang.foreign.MemorySegment;

/**
 * Every kernel in its plainest form, on the calling thread: the definition that the vector kernels
 * must equal bit for bit, and what serves where the Vector API is missing.
 */
final class ScalarKernels extends CpuKernels {
  @Override
  public void rmsNorm(
      DeviceFloats x, DeviceFloats weight, float eps, int rows, int width, DeviceFloats out) {
    float[] from = CpuFloats.requireRows("rmsNorm x", x, 0, rows, width, width);
    float[] scale = CpuFloats.require("rmsNorm weight", weight, 0, width);
    float[] to = CpuFloats.requireRows("rmsNorm out", out, 0, rows, width, width);
    for (int r = 0; r < rows; r++) {
      ScalarNorm.normalise(from, r * width, scale, eps, width, to, r * width);
    }
  }

  @Override
  public void headNorm(
      DeviceFloats x,
      long offset,
      int stride,
      int rows,
      int heads,
      int headDim,
      DeviceFloats weight,
      float eps) {
    float[] values = CpuFloats.requireRows("headNorm x", x, offset, rows, stride, heads * headDim);
    float[] scale = CpuFloats.require("headNorm weight", weight, 0, headDim);
    for (int r = 0; r < rows; r++) {
      for (int h = 0; h < heads; h++) {
        int at = (int) offset + r * stride + h * headDim;
        ScalarNorm.normalise(values, at, scale, eps, headDim, values, at);
      }
    }
  }

  @Override
  public void linear(
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
    ScalarLinear.run(
        new LinearCall()
            .set(
                x, xOffset, xStride, rows, weight, firstPart, endPart, bias, out, outOffset,
                outStride, store));
  }

  @Override
  public void swiglu(DeviceFloats gateUp, int rows, int width, DeviceFloats out) {
    float[] from = CpuFloats.requireRows("swiglu gateUp", gateUp, 0, rows, 2L * width, 2L * width);
    float[] to = CpuFloats.requireRows("swiglu out", out, 0, rows, width, width);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        float gate = from[r * 2 * width + i];
        to[r * width + i] = ScalarMath.silu(gate) * from[r * 2 * width + width + i];
      }
    }
  }

  @Override
  public void writeKv(
      KvWritePlan plan, DeviceFloats k, long kOffset, DeviceFloats v, long vOffset, int stride) {
    FrameLayout layout = plan.layout;
    MemorySegment pages = CpuPages.require(plan.memory);
    float[] keys = CpuFloats.require("writeKv k", k, kOffset, 0);
    float[] values = CpuFloats.require("writeKv v", v, vOffset, 0);
    float[] key = new float[layout.keyWidth()];
    for (int w = 0; w < plan.count; w++) {
      for (int h = 0; h < plan.kvHeadCount; h++) {
        int from = (int) kOffset + plan.row[w] * stride + h * layout.keyWidth();
        System.arraycopy(keys, from, key, 0, key.length);
        rotateKey(plan, w, key);
        long frame = plan.frame[w * plan.kvHeadCount + h];
        int slot = plan.slot[w * plan.kvHeadCount + h];
        Frames.requireSlot(layout, slot);
        for (int c = 0; c < key.length; c++) {
          Frames.write(pages, layout, Frames.keyAddress(layout, frame, slot, c), key[c]);
        }
        int valueAt = (int) vOffset + plan.row[w] * stride + h * layout.valueWidth();
        for (int c = 0; c < layout.valueWidth(); c++) {
          long address = Frames.valueAddress(layout, frame, slot, c);
          Frames.write(pages, layout, address, values[valueAt + c]);
        }
      }
    }
  }

  private static void rotateKey(KvWritePlan plan, int write, float[] key) {
    if (plan.rotary == null || !plan.layout.keysRotated()) {
      return;
    }
    CpuRotaryTable rotary = CpuRotaryTable.of(plan.rotary);
    float[] turns = new float[2 * rotary.pairs()];
    rotary.read(plan.position, write * rotary.axisCount(), turns, 0);
    ScalarRotary.rotate(key, 0, turns, rotary.pairs(), rotary.interleaved());
  }

  @Override
  public void attend(
      AttentionPlan plan,
      DeviceFloats q,
      long qOffset,
      int qStride,
      DeviceFloats out,
      long outOffset,
      int outStride) {
    requireHeads(plan);
    int qWidth = plan.headCount * plan.layout.keyWidth();
    int outWidth = plan.headCount * plan.layout.valueWidth();
    float[] queries = CpuFloats.requireRows("attend q", q, qOffset, plan.rowCount, qStride, qWidth);
    ScalarAttention attention = new ScalarAttention(plan, queries, (int) qOffset, qStride);
    if (out != null) {
      float[] to =
          CpuFloats.requireRows("attend out", out, outOffset, plan.rowCount, outStride, outWidth);
      attention.output(to, (int) outOffset, outStride);
    }
    if (plan.statistics != null) {
      for (AttentionStatistic statistic : plan.statistics) {
        attention.statistic(statistic);
      }
    }
  }

  static void requireHeads(AttentionPlan plan) {
    if (plan.kvHeadCount <= 0 || plan.headCount % plan.kvHeadCount != 0) {
      throw new DeviceException(
          "headCount="
              + plan.headCount
              + " is not a multiple of kvHeadCount="
              + plan.kvHeadCount
              + ", group whole query heads per KV head");
    }
  }

  @Override
  public void rotate(
      RotaryTable rotary,
      int[] positions,
      DeviceFloats x,
      long offset,
      int stride,
      int rows,
      int heads,
      int headDim) {
    CpuRotaryTable table = CpuRotaryTable.of(rotary);
    float[] values = CpuFloats.requireRows("rotate x", x, offset, rows, stride, heads * headDim);
    float[] turns = new float[2 * table.pairs()];
    for (int r = 0; r < rows; r++) {
      table.read(positions, r * table.axisCount(), turns, 0);
      for (int h = 0; h < heads; h++) {
        int at = (int) offset + r * stride + h * headDim;
        ScalarRotary.rotate(values, at, turns, table.pairs(), table.interleaved());
      }
    }
  }
}
