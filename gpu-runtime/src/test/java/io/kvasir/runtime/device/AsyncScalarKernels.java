package io.kvasir.runtime.device;

import java.util.Arrays;

/** Enqueues every kernel with copies of its plans and index arrays. */
final class AsyncScalarKernels implements Kernels {
  private final AsyncScalarDevice device;
  private final Kernels inner;

  AsyncScalarKernels(AsyncScalarDevice device, Kernels inner) {
    this.device = device;
    this.inner = inner;
  }

  @Override
  public void embed(
      Weight table, int[] ids, int idOffset, int rows, DeviceFloats out, long outOffset) {
    Weight weight = AsyncScalarDevice.weight(table);
    int[] copy = Arrays.copyOfRange(ids, idOffset, idOffset + rows);
    DeviceFloats to = AsyncScalarDevice.floats(out);
    device.enqueue(() -> inner.embed(weight, copy, 0, rows, to, outOffset));
  }

  @Override
  public void rmsNorm(
      DeviceFloats x, DeviceFloats weight, float eps, int rows, int width, DeviceFloats out) {
    DeviceFloats from = AsyncScalarDevice.floats(x);
    DeviceFloats scale = AsyncScalarDevice.floats(weight);
    DeviceFloats to = AsyncScalarDevice.floats(out);
    device.enqueue(() -> inner.rmsNorm(from, scale, eps, rows, width, to));
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
    DeviceFloats values = AsyncScalarDevice.floats(x);
    DeviceFloats scale = AsyncScalarDevice.floats(weight);
    device.enqueue(() -> inner.headNorm(values, offset, stride, rows, heads, headDim, scale, eps));
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
    DeviceFloats from = AsyncScalarDevice.floats(x);
    Weight packed = AsyncScalarDevice.weight(weight);
    DeviceFloats added = AsyncScalarDevice.floats(bias);
    DeviceFloats to = AsyncScalarDevice.floats(out);
    device.enqueue(
        () ->
            inner.linear(
                from, xOffset, xStride, rows, packed, firstPart, endPart, added, to, outOffset,
                outStride, store));
  }

  @Override
  public void swiglu(DeviceFloats gateUp, int rows, int width, DeviceFloats out) {
    DeviceFloats from = AsyncScalarDevice.floats(gateUp);
    DeviceFloats to = AsyncScalarDevice.floats(out);
    device.enqueue(() -> inner.swiglu(from, rows, width, to));
  }

  @Override
  public void gatherRows(
      DeviceFloats source, int[] rows, int count, int width, DeviceFloats target, long offset) {
    DeviceFloats from = AsyncScalarDevice.floats(source);
    DeviceFloats to = AsyncScalarDevice.floats(target);
    int[] copy = Arrays.copyOf(rows, count);
    device.enqueue(() -> inner.gatherRows(from, copy, count, width, to, offset));
  }

  @Override
  public void scatterRows(
      DeviceFloats source, long offset, int[] rows, int count, int width, DeviceFloats target) {
    DeviceFloats from = AsyncScalarDevice.floats(source);
    DeviceFloats to = AsyncScalarDevice.floats(target);
    int[] copy = Arrays.copyOf(rows, count);
    device.enqueue(() -> inner.scatterRows(from, offset, copy, count, width, to));
  }

  @Override
  public void addRows(
      DeviceFloats source, int[] rows, float[] factor, int count, int width, DeviceFloats target) {
    DeviceFloats from = AsyncScalarDevice.floats(source);
    DeviceFloats to = AsyncScalarDevice.floats(target);
    int[] copy = Arrays.copyOf(rows, count);
    float[] factors = factor == null ? null : Arrays.copyOf(factor, count);
    device.enqueue(() -> inner.addRows(from, copy, factors, count, width, to));
  }

  @Override
  public void zero(DeviceFloats target, long offset, long count) {
    DeviceFloats to = AsyncScalarDevice.floats(target);
    device.enqueue(() -> inner.zero(to, offset, count));
  }

  @Override
  public void add(
      DeviceFloats source, long sourceOffset, DeviceFloats target, long offset, long count) {
    DeviceFloats from = AsyncScalarDevice.floats(source);
    DeviceFloats to = AsyncScalarDevice.floats(target);
    device.enqueue(() -> inner.add(from, sourceOffset, to, offset, count));
  }

  @Override
  public void writeKv(
      KvWritePlan plan, DeviceFloats k, long kOffset, DeviceFloats v, long vOffset, int stride) {
    KvWritePlan copy = PlanCopies.of(plan);
    DeviceFloats keys = AsyncScalarDevice.floats(k);
    DeviceFloats values = AsyncScalarDevice.floats(v);
    device.enqueue(() -> inner.writeKv(copy, keys, kOffset, values, vOffset, stride));
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
    AttentionPlan copy = PlanCopies.of(plan);
    DeviceFloats queries = AsyncScalarDevice.floats(q);
    DeviceFloats to = AsyncScalarDevice.floats(out);
    device.enqueue(() -> inner.attend(copy, queries, qOffset, qStride, to, outOffset, outStride));
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
    PageMemory pages = AsyncScalarDevice.pages(memory);
    long[] from = Arrays.copyOf(fromFrame, count);
    int[] fromAt = Arrays.copyOf(fromSlot, count);
    long[] to = Arrays.copyOf(toFrame, count);
    int[] toAt = Arrays.copyOf(toSlot, count);
    device.enqueue(() -> inner.copySlots(pages, layout, from, fromAt, to, toAt, count));
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
    RotaryTable table = AsyncScalarDevice.rotary(rotary);
    int[] copy = Arrays.copyOf(positions, rows * rotary.spec().axisCount());
    DeviceFloats values = AsyncScalarDevice.floats(x);
    device.enqueue(() -> inner.rotate(table, copy, values, offset, stride, rows, heads, headDim));
  }
}
