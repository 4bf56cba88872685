package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.PageMemory;
import io.kvasir.runtime.device.Weight;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Kernels that move values or treat each alone: they have one form, exact by nature. The two
 * providers, {@link ScalarKernels} and {@code VectorKernels}, add those with a reduction tree.
 */
abstract class CpuKernels implements Kernels, AutoCloseable {
  @Override
  public void embed(
      Weight table, int[] ids, int idOffset, int rows, DeviceFloats out, long outOffset) {
    CpuWeight weight = CpuWeight.of(table);
    int width = weight.inWidth();
    float[] target = CpuFloats.requireRows("embed out", out, outOffset, rows, width, width);
    for (int i = 0; i < rows; i++) {
      int id = ids[idOffset + i];
      if (id < 0 || id >= weight.outWidth()) {
        throw new DeviceException(
            "token id=" + id + " is outside [0, " + weight.outWidth() + "), check the tokenizer");
      }
      weight.readColumn(id, target, (int) outOffset + i * width);
    }
  }

  @Override
  public void gatherRows(
      DeviceFloats source, int[] rows, int count, int width, DeviceFloats target, long offset) {
    float[] from = CpuFloats.require("gatherRows source", source, 0, 0);
    float[] to = CpuFloats.requireRows("gatherRows target", target, offset, count, width, width);
    for (int i = 0; i < count; i++) {
      System.arraycopy(from, rows[i] * width, to, (int) offset + i * width, width);
    }
  }

  @Override
  public void scatterRows(
      DeviceFloats source, long offset, int[] rows, int count, int width, DeviceFloats target) {
    float[] from = CpuFloats.requireRows("scatterRows source", source, offset, count, width, width);
    float[] to = CpuFloats.require("scatterRows target", target, 0, 0);
    for (int i = 0; i < count; i++) {
      System.arraycopy(from, (int) offset + i * width, to, rows[i] * width, width);
    }
  }

  @Override
  public void addRows(
      DeviceFloats source, int[] rows, float[] factor, int count, int width, DeviceFloats target) {
    float[] from = CpuFloats.requireRows("addRows source", source, 0, count, width, width);
    float[] to = CpuFloats.require("addRows target", target, 0, 0);
    for (int i = 0; i < count; i++) {
      if (factor == null) {
        addRange(from, i * width, to, rows[i] * width, width);
      } else {
        fmaRange(factor[i], from, i * width, to, rows[i] * width, width);
      }
    }
  }

  @Override
  public void zero(DeviceFloats target, long offset, long count) {
    float[] to = CpuFloats.require("zero target", target, offset, count);
    Arrays.fill(to, (int) offset, (int) (offset + count), 0f);
  }

  @Override
  public void add(
      DeviceFloats source, long sourceOffset, DeviceFloats target, long offset, long count) {
    float[] from = CpuFloats.require("add source", source, sourceOffset, count);
    float[] to = CpuFloats.require("add target", target, offset, count);
    addRange(from, (int) sourceOffset, to, (int) offset, (int) count);
  }

  private static void addRange(float[] from, int fromAt, float[] to, int toAt, int count) {
    for (int i = 0; i < count; i++) {
      to[toAt + i] += from[fromAt + i];
    }
  }

  private static void fmaRange(
      float factor, float[] from, int fromAt, float[] to, int toAt, int count) {
    for (int i = 0; i < count; i++) {
      to[toAt + i] = Math.fma(factor, from[fromAt + i], to[toAt + i]);
    }
  }

  @Override
  public void copySlots(
      PageMemory memory,
      FrameLayout layout,
      long[] fromFrame,
      int[] fromSlot,
      long[] toFrame,
      int[] toSlot,
      int count) {
    MemorySegment pages = CpuPages.require(memory);
    for (int i = 0; i < count; i++) {
      Frames.copySlot(pages, layout, fromFrame[i], fromSlot[i], toFrame[i], toSlot[i]);
    }
  }

  /** Ends helper threads; nothing may be called afterwards. */
  @Override
  public void close() {}
}
