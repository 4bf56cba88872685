package io.kvasir.runtime.device;

/**
 * The operations of a device, each enqueued in call order. Matrices are f32, row-major; {@code
 * stride} is the distance of two rows in values and offsets are in values.
 *
 * <p>Law 1: every output value has one reduction tree that depends on nothing but the operation and
 * its operands — not on the number of rows, threads, vector width or page size. All arithmetic is
 * f32 with fma where stated; no library transcendentals.
 */
public interface Kernels {
  /** Whether {@link #linear} replaces its output or adds to it (output + product, rounded once). */
  enum Store {
    SET,
    ADD
  }

  /**
   * out[i] = row {@code ids[i]} of an embedding table, or column ids[i] of a packed linear layer
   * (tied embeddings), widened to f32.
   */
  void embed(Weight table, int[] ids, int idOffset, int rows, DeviceFloats out, long outOffset);

  /**
   * RMSNorm per row of {@code width} values: x × (1 / sqrt(mean(x²) + eps)) × weight. Mean square:
   * eight partial fma chains by channel mod 8, joined as in {@link AttentionPlan}; division and
   * square root are IEEE. {@code out} may be {@code x}.
   */
  void rmsNorm(
      DeviceFloats x, DeviceFloats weight, float eps, int rows, int width, DeviceFloats out);

  /**
   * RMSNorm over each head of {@code headDim} values, in place: heads start at {@code offset} of
   * every row.
   */
  void headNorm(
      DeviceFloats x,
      long offset,
      int stride,
      int rows,
      int heads,
      int headDim,
      DeviceFloats weight,
      float eps);

  /**
   * out = x · Wᵀ (+ bias) over the parts [firstPart, endPart) of {@code weight}; output columns are
   * the parts' outputs, contiguous. One fma chain per output in ascending input order, from +0;
   * quantised: one chain per block of 32 over the integer values, then one fma with the block's
   * scale into the running total. Then bias is added, then {@link Store#ADD} adds to out.
   *
   * @param x [rows, inWidth] with row distance {@code xStride}, starting at {@code xOffset}
   * @param bias one value per output column of the chosen parts, or null
   */
  void linear(
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
      Store store);

  /**
   * SwiGLU: out[r][i] = silu(gateUp[r][i]) × gateUp[r][width + i], silu(x) = x / (1 + exp(−x)).
   * gateUp has row distance 2 × width, out has row distance width.
   */
  void swiglu(DeviceFloats gateUp, int rows, int width, DeviceFloats out);

  /** target[i] = source[rows[i]], i &lt; count, rows of {@code width} values. No overlap. */
  void gatherRows(
      DeviceFloats source, int[] rows, int count, int width, DeviceFloats target, long offset);

  /** target[rows[i]] = source[i], i &lt; count; rows distinct. No overlap. */
  void scatterRows(
      DeviceFloats source, long offset, int[] rows, int count, int width, DeviceFloats target);

  /** target[rows[i]] += factor[i] × source[i] (factor null: 1; otherwise one fma). */
  void addRows(
      DeviceFloats source, int[] rows, float[] factor, int count, int width, DeviceFloats target);

  /** Sets {@code count} values to zero. */
  void zero(DeviceFloats target, long offset, long count);

  /** target[i] += source[i]. */
  void add(DeviceFloats source, long sourceOffset, DeviceFloats target, long offset, long count);

  /**
   * Writes K and V rows into page frames.
   *
   * @param k rows of kvHeads × keyWidth at {@code kOffset} with distance {@code stride}; unrotated
   * @param v rows of kvHeads × valueWidth at {@code vOffset}, same distance
   */
  void writeKv(
      KvWritePlan plan, DeviceFloats k, long kOffset, DeviceFloats v, long vOffset, int stride);

  /**
   * Paged attention of all segments of {@code plan}; rotates queries on the way (they are left
   * unrotated in {@code q}).
   *
   * @param q [row][head × keyWidth] at {@code qOffset}, row distance {@code qStride}
   * @param out [row][head × valueWidth] at {@code outOffset}, row distance {@code outStride}; null:
   *     only the plan's statistics are taken
   */
  void attend(
      AttentionPlan plan,
      DeviceFloats q,
      long qOffset,
      int qStride,
      DeviceFloats out,
      long outOffset,
      int outStride);

  /**
   * Copies single entries between frames of one layout: entry i goes from {@code (fromFrame[i],
   * fromSlot[i])} to {@code (toFrame[i], toSlot[i])}, in the order given; bytes unchanged.
   */
  void copySlots(
      PageMemory memory,
      FrameLayout layout,
      long[] fromFrame,
      int[] fromSlot,
      long[] toFrame,
      int[] toSlot,
      int count);

  /**
   * Rotates {@code heads} heads of {@code headDim} values per row in place (for hooks that want
   * rotated q or k).
   */
  void rotate(
      RotaryTable rotary,
      int[] positions,
      DeviceFloats x,
      long offset,
      int stride,
      int rows,
      int heads,
      int headDim);
}
