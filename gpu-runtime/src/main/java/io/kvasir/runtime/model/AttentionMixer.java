package io.kvasir.runtime.model;

import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Kernels.Store;
import io.kvasir.runtime.device.RotaryTable;
import io.kvasir.runtime.device.Weight;

/**
 * Grouped-query attention over the paged cache: h += o(attend(q, pages)), q, k, v from RMSNorm(h).
 * K and V of all items are written before any row attends, so items of one sequence see each other.
 * Queries and keys leave the projection unrotated: the attention plan and the page writer rotate.
 */
public final class AttentionMixer implements Mixer {
  /**
   * The fixed parts of the layer.
   *
   * @param qkv three parts: q, k, v
   * @param bias null when the projections have none
   * @param qNorm per-head norm of q before rotation, or null; likewise kNorm
   * @param rotary null when nothing rotates
   * @param window 0 = full
   * @param collective sums the ranks' partial outputs; null when the layer is whole
   */
  public record Parts(
      DeviceFloats norm,
      float eps,
      Weight qkv,
      Bias bias,
      DeviceFloats qNorm,
      DeviceFloats kNorm,
      Weight output,
      DeviceFloats outputBias,
      RotaryTable rotary,
      int headCount,
      int kvHeadCount,
      int headDim,
      float scale,
      int window,
      Collective collective) {
    /** The same layer with another rotary embedding. */
    public Parts withRotary(RotaryTable table) {
      return new Parts(
          norm,
          eps,
          qkv,
          bias,
          qNorm,
          kNorm,
          output,
          outputBias,
          table,
          headCount,
          kvHeadCount,
          headDim,
          scale,
          window,
          collective);
    }

    int queryWidth() {
      return headCount * headDim;
    }

    int keyValueWidth() {
      return kvHeadCount * headDim;
    }
  }

  /** The projections' bias, whole and in the two pieces that row subsets need. */
  public record Bias(DeviceFloats qkv, DeviceFloats q, DeviceFloats kv) {}

  private final Parts p;
  private final AttentionPlanner planner;

  /** Layers of one model share {@code planner}; it is reused layer after layer. */
  public AttentionMixer(Parts parts, AttentionPlanner planner) {
    this.p = parts;
    this.planner = planner;
  }

  public Parts parts() {
    return p;
  }

  @Override
  public void mix(StepContext c, int layer) {
    StepBuffers b = c.buffers;
    planner.begin(c, layer, p);
    c.kernels.rmsNorm(b.hidden, p.norm(), p.eps(), c.batchRows, c.hiddenSize(), b.normed);
    int qWidth = p.queryWidth();
    int kvWidth = p.keyValueWidth();
    int qStride = qWidth;
    int kvStride = 2 * kvWidth;
    DeviceFloats kv = b.keyValues;
    long kOffset = 0;
    if (c.query.sameAs(c.write)) {
      qStride = qWidth + 2 * kvWidth;
      kvStride = qStride;
      kv = b.queries;
      kOffset = qWidth;
      DeviceFloats qkvBias = p.bias() == null ? null : p.bias().qkv();
      project(c, c.query, 0, 3, qkvBias, b.queries, qStride);
    } else {
      projectQueries(c, qStride);
      DeviceFloats kvBias = p.bias() == null ? null : p.bias().kv();
      project(c, c.write, 1, 3, kvBias, kv, kvStride);
    }
    int queries = c.query.count;
    normHeads(c, b.queries, 0, qStride, queries, p.headCount(), p.qNorm());
    normHeads(c, kv, kOffset, kvStride, c.write.count, p.kvHeadCount(), p.kNorm());
    planner.hooksBefore(c, layer, b.queries, qStride, kv, kOffset, kvStride);
    if (c.write.count > 0) {
      planner.fillWrites(c, layer);
      c.kernels.writeKv(planner.writes(), kv, kOffset, kv, kOffset + kvWidth, kvStride);
    }
    planner.hooksWritten(c, layer);
    if (queries == 0) {
      return;
    }
    if (planner.statisticsBefore(c, layer)) {
      c.kernels.attend(planner.attention(), b.queries, 0, qStride, null, 0, 0);
      c.device.await();
      planner.revise(c, layer);
      if (c.query.count == 0) {
        return;
      }
      if (c.query.count != queries) {
        qStride = qWidth;
        projectQueries(c, qStride);
        normHeads(c, b.queries, 0, qStride, c.query.count, p.headCount(), p.qNorm());
      }
    }
    attend(c, layer, qStride);
  }

  @Override
  public long weightBytes() {
    return p.qkv().bytes() + p.output().bytes();
  }

  private void attend(StepContext c, int layer, int qStride) {
    StepBuffers b = c.buffers;
    int queries = c.query.count;
    int width = c.hiddenSize();
    int qWidth = p.queryWidth();
    planner.fillAttention(c, layer);
    if (planner.noOutput()) {
      c.kernels.attend(planner.attention(), b.queries, 0, qStride, null, 0, 0);
      return;
    }
    c.kernels.attend(planner.attention(), b.queries, 0, qStride, b.attended, 0, qWidth);
    boolean direct = c.query.all && p.collective() == null && !planner.someWithoutOutput();
    c.kernels.linear(
        b.attended,
        0,
        qWidth,
        queries,
        p.output(),
        0,
        1,
        p.outputBias(),
        direct ? b.hidden : b.projected,
        0,
        width,
        direct ? Store.ADD : Store.SET);
    if (direct) {
      return;
    }
    if (p.collective() != null) {
      p.collective().allReduceSum(c.device, b.projected, 0, queries * width);
    }
    planner.addOutputs(c);
  }

  private void projectQueries(StepContext c, int qStride) {
    DeviceFloats qBias = p.bias() == null ? null : p.bias().q();
    project(c, c.query, 0, 1, qBias, c.buffers.queries, qStride);
  }

  private void project(
      StepContext c,
      RowSet rows,
      int firstPart,
      int endPart,
      DeviceFloats bias,
      DeviceFloats out,
      int stride) {
    if (rows.count == 0) {
      return;
    }
    StepBuffers b = c.buffers;
    int width = c.hiddenSize();
    DeviceFloats x = b.normed;
    if (!rows.all) {
      c.kernels.gatherRows(b.normed, rows.rows, rows.count, width, b.gathered, 0);
      x = b.gathered;
    }
    c.kernels.linear(
        x, 0, width, rows.count, p.qkv(), firstPart, endPart, bias, out, 0, stride, Store.SET);
  }

  private void normHeads(
      StepContext c,
      DeviceFloats x,
      long offset,
      int stride,
      int rows,
      int heads,
      DeviceFloats weight) {
    if (weight != null && rows > 0) {
      c.kernels.headNorm(x, offset, stride, rows, heads, p.headDim(), weight, p.eps());
    }
  }
}
