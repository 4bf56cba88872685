package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.AttentionStatistic;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvView;
import java.lang.foreign.MemorySegment;

/** Attention by definition: one row and head at a time, entry by entry. */
final class ScalarAttention {
  private final AttentionPlan plan;
  private final FrameLayout layout;
  private final MemorySegment pages;
  private final CpuRotaryTable rotary;
  private final float[] q;
  private final int qOffset;
  private final int qStride;

  ScalarAttention(AttentionPlan plan, float[] q, int qOffset, int qStride) {
    this.plan = plan;
    this.layout = plan.layout;
    this.pages = CpuPages.require(plan.memory);
    this.rotary = plan.rotary == null ? null : CpuRotaryTable.of(plan.rotary);
    this.q = q;
    this.qOffset = qOffset;
    this.qStride = qStride;
  }

  /** Writes the attention output of all rows of all segments. */
  void output(float[] out, int outOffset, int outStride) {
    int group = plan.headCount / plan.kvHeadCount;
    for (int s = 0; s < plan.segmentCount; s++) {
      for (int i = 0; i < plan.segmentRowCount[s]; i++) {
        int row = plan.segmentFirstRow[s] + i;
        for (int h = 0; h < plan.headCount; h++) {
          int at = outOffset + row * outStride + h * layout.valueWidth();
          attend(plan.segmentView[s], row, h, h / group, out, at);
        }
      }
    }
  }

  private void attend(KvView view, int row, int head, int kvHead, float[] out, int at) {
    int count = view.entryCounts[kvHead];
    boolean[] seen = new boolean[count];
    float[] weights = new float[count];
    float sum = weigh(view, row, head, kvHead, 0, count, seen, weights);
    for (int c = 0; c < layout.valueWidth(); c++) {
      float chain = 0f;
      boolean any = false;
      for (int e = 0; e < count; e++) {
        if (seen[e]) {
          any = true;
          long frame = view.frameAddress(kvHead, e / layout.slots());
          long address = Frames.valueAddress(layout, frame, e % layout.slots(), c);
          chain = Math.fma(weights[e], Frames.read(pages, layout, address), chain);
        }
      }
      out[at + c] = any ? chain / sum + 0f : 0f;
    }
  }

  /**
   * Unnormalised weights of the entries [from, to), at {@code weights[e − from]}; returns their
   * sum. Entries that the row does not see are left alone.
   */
  private float weigh(
      KvView view,
      int row,
      int head,
      int kvHead,
      int from,
      int to,
      boolean[] seen,
      float[] weights) {
    float[] query = rotatedQuery(row, head);
    float max = Float.NEGATIVE_INFINITY;
    for (int e = from; e < to; e++) {
      seen[e - from] = Visibility.sees(plan, row, view, kvHead, e);
      if (seen[e - from]) {
        weights[e - from] = score(view, query, kvHead, e);
        max = weights[e - from] > max ? weights[e - from] : max;
      }
    }
    float[] partial = new float[8];
    for (int e = from; e < to; e++) {
      if (seen[e - from]) {
        weights[e - from] = ScalarMath.exp(weights[e - from] - max);
        partial[Visibility.order(view, kvHead, e) & 7] += weights[e - from];
      }
    }
    return ScalarMath.join(partial);
  }

  private float[] rotatedQuery(int row, int head) {
    int width = layout.keyWidth();
    float[] query = new float[width];
    System.arraycopy(q, qOffset + row * qStride + head * width, query, 0, width);
    if (rotary != null) {
      float[] turns = new float[2 * rotary.pairs()];
      rotary.read(plan.rowPosition, row * rotary.axisCount(), turns, 0);
      ScalarRotary.rotate(query, 0, turns, rotary.pairs(), rotary.interleaved());
    }
    return query;
  }

  private float score(KvView view, float[] query, int kvHead, int entry) {
    float[] key = key(view, kvHead, entry);
    float chain = 0f;
    for (int c = 0; c < layout.keyWidth(); c++) {
      chain = Math.fma(query[c], key[c], chain);
    }
    float score = chain * plan.scale;
    return view.logWeights == null ? score : score + view.logWeights[kvHead][entry];
  }

  private float[] key(KvView view, int kvHead, int entry) {
    float[] key = new float[layout.keyWidth()];
    long frame = view.frameAddress(kvHead, entry / layout.slots());
    for (int c = 0; c < key.length; c++) {
      long address = Frames.keyAddress(layout, frame, entry % layout.slots(), c);
      key[c] = Frames.read(pages, layout, address);
    }
    if (rotary != null && !layout.keysRotated()) {
      float[] turns = new float[2 * rotary.pairs()];
      if (view.positions == null) {
        rotary.readPlain(Visibility.index(view, kvHead, entry), turns, 0);
      } else {
        rotary.read(view.positions[kvHead], entry * rotary.axisCount(), turns, 0);
      }
      ScalarRotary.rotate(key, 0, turns, rotary.pairs(), rotary.interleaved());
    }
    return key;
  }

  /** Takes one statistic and writes its target. */
  void statistic(AttentionStatistic statistic) {
    int width = statistic.entryTo() - statistic.entryFrom();
    int rows = statistic.rows().length;
    int lines = statistic.reduction() == AttentionStatistic.Rows.EACH ? rows : 1;
    int groups = plan.headCount / statistic.headGroup();
    float[] target =
        CpuFloats.require(
            "statistic target",
            statistic.target(),
            statistic.targetOffset(),
            (long) groups * lines * width);
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < statistic.headGroup(); i++) {
        float[] head = headStatistic(statistic, g * statistic.headGroup() + i, lines, width);
        int at = (int) statistic.targetOffset() + g * lines * width;
        for (int e = 0; e < head.length; e++) {
          target[at + e] = i == 0 ? head[e] : join(statistic, target[at + e], head[e]);
        }
      }
    }
  }

  private float[] headStatistic(AttentionStatistic statistic, int head, int lines, int width) {
    int kvHead = head / (plan.headCount / plan.kvHeadCount);
    KvView view = plan.segmentView[statistic.segment()];
    int entryTo = Math.min(statistic.entryTo(), view.entryCounts[kvHead]);
    float[] reduced = new float[lines * width];
    for (int i = 0; i < statistic.rows().length; i++) {
      boolean[] seen = new boolean[width];
      float[] p = new float[width];
      int row = statistic.rows()[i];
      float sum = weigh(view, row, head, kvHead, statistic.entryFrom(), entryTo, seen, p);
      int at = lines == 1 ? 0 : i * width;
      for (int e = 0; e < width; e++) {
        float share = seen[e] ? p[e] / sum : 0f;
        if (statistic.reduction() == AttentionStatistic.Rows.SQUARES) {
          share *= share;
        }
        reduced[at + e] = join(statistic, reduced[at + e], share);
      }
    }
    return reduced;
  }

  private static float join(AttentionStatistic statistic, float a, float b) {
    return statistic.reduction() == AttentionStatistic.Rows.MAX ? Math.max(a, b) : a + b;
  }
}
