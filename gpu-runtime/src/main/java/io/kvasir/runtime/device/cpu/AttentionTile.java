package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.PageEncoding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * One worker's tile of attention: a few rows × the query heads of one KV head, against a stretch of
 * its entries. Both products run on {@link ChainTiles}: scores over key panels (lanes are entries),
 * outputs over value panels (lanes are channels). Scores of the tile stay in scratch,
 * [query][entry]; query m is row m / heads, head m mod heads.
 *
 * <p>Weights of entries that a row does not see are +0: they leave partial sums and fma chains as
 * they are, since values in pages are finite.
 *
 * <p>Long, because scoring, softening and summing share the tile's bounds and scratch, each in two
 * forms: over expanded panels and straight from pages.
 */
final class AttentionTile {
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  /** Entries per stretch of values: 64 × 32 channels of f32 stay in the L1 cache. */
  private static final int VALUE_DEPTH = 64;

  /** Up to so many queries read bf16 pages in place. */
  private static final int FEW = 8;

  private final Scratch scratch;
  private final RowBounds bounds = new RowBounds();
  private final KeyTurner turner = new KeyTurner();

  private AttentionPlan plan;
  private FrameLayout layout;
  private PageReader reader;
  private MemorySegment pages;
  private CpuRotaryTable rotary;
  private KvView view;
  private int kvHead;
  private int heads;
  private int queryCount;

  /** Entry that score column 0 stands for, a multiple of PANEL; columns per query. */
  private int base;

  private int stride;

  /** Denominator per query; 0 where the row sees nothing. */
  private float[] sums = new float[16];

  AttentionTile(Scratch scratch) {
    this.scratch = scratch;
  }

  void bind(AttentionPlan plan, MemorySegment pages) {
    this.plan = plan;
    this.layout = plan.layout;
    this.reader = PageReader.of(layout);
    this.pages = pages;
    this.rotary = plan.rotary == null ? null : CpuRotaryTable.of(plan.rotary);
  }

  /** Forgets the plan, so that it does not outlive its call. */
  void release() {
    plan = null;
    pages = null;
    view = null;
  }

  /**
   * Computes the unnormalised weights of {@code rowCount} rows, {@code rows[rowFrom + i]} or, with
   * null, {@code rowFrom + i}, and {@code heads} heads from {@code firstHead}, all of one KV head,
   * over the entries [from, to).
   */
  void weigh(
      KvView view,
      int kvHead,
      int[] rows,
      int rowFrom,
      int rowCount,
      int firstHead,
      int heads,
      int from,
      int to,
      float[] q,
      int qOffset,
      int qStride) {
    this.view = view;
    this.kvHead = kvHead;
    this.heads = heads;
    queryCount = rowCount * heads;
    sums = Scratch.grown(sums, queryCount);
    Arrays.fill(sums, 0, queryCount, 0f);
    bounds.start(rowCount);
    for (int i = 0; i < rowCount; i++) {
      int row = rows == null ? rowFrom + i : rows[rowFrom + i];
      bounds.add(i, plan, row, view, kvHead, from, to);
    }
    if (bounds.tileLow >= bounds.tileHigh) {
      base = 0;
      stride = 0;
      return;
    }
    base = bounds.tileLow / PANEL * PANEL;
    stride = (bounds.tileHigh - base + PANEL - 1) / PANEL * PANEL;
    for (int i = 0; i < rowCount; i++) {
      int row = rows == null ? rowFrom + i : rows[rowFrom + i];
      readQueries(i, row, firstHead, q, qOffset, qStride);
    }
    score();
    for (int i = 0; i < rowCount; i++) {
      int row = rows == null ? rowFrom + i : rows[rowFrom + i];
      for (int h = 0; h < heads; h++) {
        soften(i, i * heads + h, row);
      }
    }
  }

  private void readQueries(int i, int row, int firstHead, float[] q, int qOffset, int qStride) {
    int width = layout.keyWidth();
    scratch.queries = Scratch.grown(scratch.queries, (long) queryCount * width);
    int at = i * heads * width;
    int from = qOffset + row * qStride + firstHead * width;
    System.arraycopy(q, from, scratch.queries, at, heads * width);
    if (rotary != null) {
      scratch.turns = Scratch.grown(scratch.turns, 2L * rotary.pairs());
      rotary.read(plan.rowPosition, row * rotary.axisCount(), scratch.turns, 0);
      for (int h = 0; h < heads; h++) {
        VectorMath.rotate(
            scratch.queries, at + h * width, scratch.turns, rotary.pairs(), rotary.interleaved());
      }
    }
  }

  private void score() {
    int width = layout.keyWidth();
    scratch.scores = Scratch.grown(scratch.scores, (long) queryCount * stride);
    scratch.panel = Scratch.grown(scratch.panel, (long) width * PANEL);
    Arrays.fill(scratch.scores, 0, queryCount * stride, 0f);
    boolean direct = few() && (rotary == null || layout.keysRotated());
    if (direct) {
      touchFrames();
    }
    for (int e = base; e < bounds.tileHigh; ) {
      if (direct) {
        e += scorePages(e);
        continue;
      }
      readKeys(e);
      ChainTiles.run(
          scratch.queries,
          0,
          width,
          queryCount,
          scratch.panel,
          0,
          width,
          scratch.scores,
          e - base,
          stride);
      e += PANEL;
    }
  }

  /** Whether so few queries use a tile of bf16 pages that they had better read it in place. */
  private boolean few() {
    return queryCount <= FEW && layout.encoding() == PageEncoding.BF16;
  }

  /**
   * Scores of a panel of entries straight from pages, or of two where registers allow; each vector
   * may be of another frame.
   *
   * @return the entries done
   */
  private int scorePages(int entry) {
    int width = layout.keyWidth();
    long step = 2L * layout.slots();
    float[] q = scratch.queries;
    float[] scores = scratch.scores;
    int column = entry - base;
    long at0 = keyAddress(entry);
    long at1 = keyAddress(entry + L);
    if (Lanes.TALL && entry + PANEL < bounds.tileHigh) {
      long at2 = keyAddress(entry + PANEL);
      long at3 = keyAddress(entry + PANEL + L);
      WidePageTiles.run(
          q, 0, width, queryCount, pages, at0, at1, at2, at3, step, width, scores, column, stride);
      return 2 * PANEL;
    }
    Bf16PageTiles.run(
        q, 0, width, queryCount, pages, at0, at1, step, width, scores, column, stride);
    return PANEL;
  }

  /**
   * Brings the frames of the tile into the cache, keys and values; see {@link VectorLinear} for why
   * reads. All at once: a frame is a few kilobytes, too short for the processor to read ahead by
   * itself, and with nothing between the reads those of several frames are under way together.
   */
  private void touchFrames() {
    int slots = layout.slots();
    int bytes = (int) (layout.keyBytes() + layout.valueBytes());
    int sum = 0;
    for (int frame = base / slots; frame * slots < bounds.tileHigh; frame++) {
      sum += touch(view.frameAddress(kvHead, frame), bytes);
    }
    scratch.touched += sum;
  }

  private int touch(long from, int bytes) {
    int sum = 0;
    for (int i = 0; i < bytes; i += 64) {
      sum += pages.get(ValueLayout.JAVA_BYTE, from + i);
    }
    return sum;
  }

  /**
   * Where keys of the entries from {@code entry} on begin; behind the last, those of its vector.
   */
  private long keyAddress(int entry) {
    int slots = layout.slots();
    if (entry >= bounds.tileHigh) {
      return keyAddress((bounds.tileHigh - 1) / L * L);
    }
    return Frames.keyAddress(layout, view.frameAddress(kvHead, entry / slots), entry % slots, 0);
  }

  /** Fills the panel with the keys of entries from {@code entry} on; a panel may span frames. */
  private void readKeys(int entry) {
    int slots = layout.slots();
    int end = Math.min(entry + PANEL, bounds.tileHigh);
    for (int e = entry; e < end; ) {
      int slot = e % slots;
      int count = Math.min(entry + PANEL - e, slots - slot);
      long frame = view.frameAddress(kvHead, e / slots);
      reader.keys(pages, layout, frame, slot, count, scratch.panel, e - entry);
      e += count;
    }
    if (rotary != null && !layout.keysRotated()) {
      turner.turn(rotary, view, kvHead, entry, end, scratch.panel);
    }
  }

  /** Scores of query m to weights, in place, and their sum. */
  private void soften(int i, int m, int row) {
    float[] s = scratch.scores;
    int at = m * stride;
    int low = bounds.low[i] - base;
    int high = bounds.high[i] - base;
    if (low >= high) {
      Arrays.fill(s, at, at + stride, 0f);
      return;
    }
    int start = low / L * L;
    int end = (high + L - 1) / L * L;
    scale(s, at + start, at + end);
    if (view.logWeights != null) {
      float[] logWeights = view.logWeights[kvHead];
      for (int e = low; e < high; e++) {
        s[at + e] += logWeights[base + e];
      }
    }
    Arrays.fill(s, at + start, at + low, Float.NEGATIVE_INFINITY);
    Arrays.fill(s, at + high, at + end, Float.NEGATIVE_INFINITY);
    boolean sees = bounds.dense[i] || mask(s, at, low, high, row);
    float max = sees ? max(s, at + start, at + end) : Float.NEGATIVE_INFINITY;
    Arrays.fill(s, at, at + start, 0f);
    Arrays.fill(s, at + end, at + stride, 0f);
    if (max == Float.NEGATIVE_INFINITY) {
      // Nothing seen, or nothing but −∞ and NaN: the first is zeros, the second NaN.
      Arrays.fill(s, at + start, at + end, 0f);
      sums[m] = sees ? Float.NaN : 0f;
      return;
    }
    weigh(s, at + start, at + end, max);
    sums[m] = sum(s, at, low, high);
  }

  /** Sets unseen entries to −∞; returns whether any is seen. */
  private boolean mask(float[] s, int at, int low, int high, int row) {
    boolean sees = false;
    for (int e = low; e < high; e++) {
      if (Visibility.sees(plan, row, view, kvHead, base + e)) {
        sees = true;
      } else {
        s[at + e] = Float.NEGATIVE_INFINITY;
      }
    }
    return sees;
  }

  private void scale(float[] s, int from, int to) {
    float factor = plan.scale;
    for (int i = from; i < to; i += L) {
      FloatVector.fromArray(Lanes.F, s, i).mul(factor).intoArray(s, i);
    }
  }

  private float max(float[] s, int from, int to) {
    FloatVector most = FloatVector.broadcast(Lanes.F, Float.NEGATIVE_INFINITY);
    for (int i = from; i < to; i += L) {
      FloatVector v = FloatVector.fromArray(Lanes.F, s, i);
      VectorMask<Float> greater = v.compare(VectorOperators.GT, most);
      most = most.blend(v, greater);
    }
    float[] lanes = scratch.lanes;
    most.intoArray(lanes, 0);
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < L; i++) {
      if (lanes[i] > max) {
        max = lanes[i];
      }
    }
    return max;
  }

  private static void weigh(float[] s, int from, int to, float max) {
    for (int i = from; i < to; i += L) {
      VectorMath.exp(FloatVector.fromArray(Lanes.F, s, i).sub(max)).intoArray(s, i);
    }
  }

  /** The eight partial sums by order index, joined. */
  private float sum(float[] s, int at, int low, int high) {
    float[] eight = scratch.eight;
    if (view.indices != null && !view.orderByEntry) {
      int[] indices = view.indices[kvHead];
      Arrays.fill(eight, 0f);
      for (int e = low; e < high; e++) {
        eight[indices[base + e] & 7] += s[at + e];
      }
      return ScalarMath.join(eight);
    }
    int from = low & -8;
    VectorMath.eightSums(s, at + from, ((high + 7) & -8) - from, eight);
    int shift = view.orderByEntry ? 0 : view.firstIndex & 7;
    return shift == 0 ? ScalarMath.join(eight) : joinShifted(eight, shift);
  }

  /** Lane j of the storage holds order j + shift. */
  private float joinShifted(float[] eight, int shift) {
    float[] turned = scratch.lanes;
    for (int j = 0; j < 8; j++) {
      turned[(j + shift) & 7] = eight[j];
    }
    return ScalarMath.join(turned);
  }

  /** Normalised outputs of the weighed rows, row i to {@code out[at + i × rowStride ..]}. */
  void output(float[] out, int at, int rowStride) {
    int width = layout.valueWidth();
    int padded = (width + PANEL - 1) / PANEL * PANEL;
    scratch.sums = Scratch.grown(scratch.sums, (long) queryCount * padded);
    scratch.panel = Scratch.grown(scratch.panel, (long) VALUE_DEPTH * PANEL);
    Arrays.fill(scratch.sums, 0, queryCount * padded, 0f);
    int end = stride == 0 ? 0 : bounds.tileHigh;
    if (few() && width % PANEL == 0) {
      sumPages(end, padded);
      end = 0;
    }
    for (int e = stride == 0 ? 0 : bounds.tileLow; e < end; e += VALUE_DEPTH) {
      int depth = Math.min(VALUE_DEPTH, end - e);
      for (int channel = 0; channel < width; channel += PANEL) {
        readValues(e, depth, channel);
        ChainTiles.run(
            scratch.scores,
            e - base,
            stride,
            queryCount,
            scratch.panel,
            0,
            depth,
            scratch.sums,
            channel,
            padded);
      }
    }
    for (int m = 0; m < queryCount; m++) {
      int to = at + m / heads * rowStride + m % heads * width;
      divide(scratch.sums, m * padded, sums[m], out, to, width);
    }
  }

  /** Weighted values straight from pages, frame by frame. */
  private void sumPages(int end, int padded) {
    int slots = layout.slots();
    int width = layout.valueWidth();
    for (int e = bounds.tileLow; e < end; ) {
      int slot = e % slots;
      int count = Math.min(end - e, slots - slot);
      long frame = view.frameAddress(kvHead, e / slots);
      int channel = 0;
      for (; Lanes.TALL && channel + 2 * PANEL <= width; channel += 2 * PANEL) {
        long from = Frames.valueAddress(layout, frame, slot, channel);
        WidePageTiles.run(
            scratch.scores,
            e - base,
            stride,
            queryCount,
            pages,
            from,
            from + 2L * L,
            from + 4L * L,
            from + 6L * L,
            2L * width,
            count,
            scratch.sums,
            channel,
            padded);
      }
      for (; channel < width; channel += PANEL) {
        long from = Frames.valueAddress(layout, frame, slot, channel);
        Bf16PageTiles.run(
            scratch.scores,
            e - base,
            stride,
            queryCount,
            pages,
            from,
            from + 2L * L,
            2L * width,
            count,
            scratch.sums,
            channel,
            padded);
      }
      e += count;
    }
  }

  private void readValues(int entry, int depth, int channel) {
    int slots = layout.slots();
    for (int i = 0; i < depth; ) {
      int slot = (entry + i) % slots;
      int count = Math.min(depth - i, slots - slot);
      long frame = view.frameAddress(kvHead, (entry + i) / slots);
      reader.values(pages, layout, frame, slot, count, channel, scratch.panel, i * PANEL);
      i += count;
    }
  }

  private static void divide(float[] from, int at, float sum, float[] out, int to, int width) {
    if (sum == 0f) {
      Arrays.fill(out, to, to + width, 0f);
      return;
    }
    int c = 0;
    for (; c + L <= width; c += L) {
      FloatVector.fromArray(Lanes.F, from, at + c).div(sum).add(0f).intoArray(out, to + c);
    }
    for (; c < width; c++) {
      out[to + c] = from[at + c] / sum + 0f;
    }
  }

  /** Share of entry {@code entry} in query {@code m}'s denominator; 0 where it is not seen. */
  float share(int m, int entry) {
    int column = entry - base;
    if (column < 0 || column >= stride) {
      return 0f;
    }
    float weight = scratch.scores[m * stride + column];
    return weight == 0f ? 0f : weight / sums[m];
  }
}
