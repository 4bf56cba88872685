package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.device.RotaryTable;
import io.kvasir.runtime.device.Weight;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Every kernel on vectors and on all threads of the team. Operands of a call are kept in fields
 * while it runs, so that a call allocates nothing once scratch has grown.
 */
final class VectorKernels extends CpuKernels {
  private final WorkerTeam team;
  private final VectorLinear linear;
  private final VectorAttention attention;
  private final KvWriter writer;
  private final RowTasks rows;
  private final Runnable onClose;
  private final AtomicBoolean closed = new AtomicBoolean();

  VectorKernels(int threads) {
    this(new WorkerTeam(threads), null);
  }

  /** Kernels on the team of {@code cores}, which is theirs until they are closed. */
  VectorKernels(SharedCores cores) {
    this(cores.join(), cores::leave);
  }

  private VectorKernels(WorkerTeam workers, Runnable leave) {
    team = workers;
    onClose = leave == null ? workers::close : leave;
    Scratch[] scratch = new Scratch[team.threads()];
    Arrays.setAll(scratch, i -> new Scratch());
    linear = new VectorLinear(team, scratch);
    attention = new VectorAttention(team, scratch);
    writer = new KvWriter(team, scratch);
    rows = new RowTasks(team, scratch);
  }

  /** What {@link PackedLinear} must use for these kernels. */
  static PanelShape shape() {
    return new PanelShape(Lanes.COUNT, Lanes.PANEL);
  }

  static int vectorBits() {
    return Lanes.BITS;
  }

  @Override
  public void rmsNorm(
      DeviceFloats x, DeviceFloats weight, float eps, int count, int width, DeviceFloats out) {
    float[] from = CpuFloats.requireRows("rmsNorm x", x, 0, count, width, width);
    float[] scale = CpuFloats.require("rmsNorm weight", weight, 0, width);
    float[] to = CpuFloats.requireRows("rmsNorm out", out, 0, count, width, width);
    rows.norm(from, 0, width, count, 1, width, scale, eps, to);
  }

  @Override
  public void headNorm(
      DeviceFloats x,
      long offset,
      int stride,
      int count,
      int heads,
      int headDim,
      DeviceFloats weight,
      float eps) {
    float[] values =
        CpuFloats.requireRows("headNorm x", x, offset, count, stride, (long) heads * headDim);
    float[] scale = CpuFloats.require("headNorm weight", weight, 0, headDim);
    rows.norm(values, (int) offset, stride, count, heads, headDim, scale, eps, values);
  }

  @Override
  public void linear(
      DeviceFloats x,
      long xOffset,
      int xStride,
      int count,
      Weight weight,
      int firstPart,
      int endPart,
      DeviceFloats bias,
      DeviceFloats out,
      long outOffset,
      int outStride,
      Store store) {
    linear.call.set(
        x, xOffset, xStride, count, weight, firstPart, endPart, bias, out, outOffset, outStride,
        store);
    linear.run();
  }

  @Override
  public void swiglu(DeviceFloats gateUp, int count, int width, DeviceFloats out) {
    float[] from = CpuFloats.requireRows("swiglu gateUp", gateUp, 0, count, 2L * width, 2L * width);
    float[] to = CpuFloats.requireRows("swiglu out", out, 0, count, width, width);
    rows.swiglu(from, count, width, to);
  }

  @Override
  public void writeKv(
      KvWritePlan plan, DeviceFloats k, long kOffset, DeviceFloats v, long vOffset, int stride) {
    writer.run(plan, k, kOffset, v, vOffset, stride);
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
    attention.run(plan, q, qOffset, qStride, out, outOffset, outStride);
  }

  @Override
  public void rotate(
      RotaryTable rotary,
      int[] positions,
      DeviceFloats x,
      long offset,
      int stride,
      int count,
      int heads,
      int headDim) {
    CpuRotaryTable table = CpuRotaryTable.of(rotary);
    float[] values =
        CpuFloats.requireRows("rotate x", x, offset, count, stride, (long) heads * headDim);
    rows.rotate(table, positions, values, (int) offset, stride, count, heads, headDim);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      onClose.run();
    }
  }
}
