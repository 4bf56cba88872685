package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.AttentionStatistic;
import io.kvasir.runtime.device.KvView;
import java.util.Arrays;

/**
 * Statistics of attention: one unit of work per head reduces over its rows, tile by tile; heads of
 * a group are joined afterwards in ascending order.
 */
final class AttentionStatistics implements WorkerTeam.Task {
  private static final int ROWS = 16;

  private final WorkerTeam team;
  private final AttentionTile[] tiles;

  /** [head][line × entry], before heads are joined. */
  private float[] perHead = new float[0];

  private AttentionPlan plan;
  private AttentionStatistic statistic;
  private float[] q;
  private int qOffset;
  private int qStride;
  private int headLength;

  AttentionStatistics(WorkerTeam team, AttentionTile[] tiles) {
    this.team = team;
    this.tiles = tiles;
  }

  void take(AttentionPlan plan, AttentionStatistic statistic, float[] q, int qOffset, int qStride) {
    this.plan = plan;
    this.statistic = statistic;
    this.q = q;
    this.qOffset = qOffset;
    this.qStride = qStride;
    int width = statistic.entryTo() - statistic.entryFrom();
    int lines = each() ? statistic.rows().length : 1;
    headLength = Math.multiplyExact(lines, width);
    int group = statistic.headGroup();
    int groups = plan.headCount / group;
    float[] target =
        CpuFloats.require(
            "statistic target",
            statistic.target(),
            statistic.targetOffset(),
            (long) groups * headLength);
    perHead = Scratch.grown(perHead, (long) plan.headCount * headLength);
    Arrays.fill(perHead, 0, plan.headCount * headLength, 0f);
    team.run(this, plan.headCount, 1);
    for (int g = 0; g < groups; g++) {
      int to = (int) statistic.targetOffset() + g * headLength;
      System.arraycopy(perHead, g * group * headLength, target, to, headLength);
      for (int h = 1; h < group; h++) {
        join(perHead, (g * group + h) * headLength, target, to, headLength);
      }
    }
    this.plan = null;
    this.statistic = null;
    this.q = null;
  }

  private boolean each() {
    return statistic.reduction() == AttentionStatistic.Rows.EACH;
  }

  private void join(float[] from, int fromAt, float[] to, int toAt, int count) {
    boolean largest = statistic.reduction() == AttentionStatistic.Rows.MAX;
    for (int i = 0; i < count; i++) {
      float a = to[toAt + i];
      float b = from[fromAt + i];
      to[toAt + i] = largest ? Math.max(a, b) : a + b;
    }
  }

  @Override
  public void run(int worker, int from, int to) {
    int group = plan.headCount / plan.kvHeadCount;
    KvView view = plan.segmentView[statistic.segment()];
    int[] rows = statistic.rows();
    AttentionTile tile = tiles[worker];
    for (int head = from; head < to; head++) {
      int kvHead = head / group;
      int entryTo = Math.min(statistic.entryTo(), view.entryCounts[kvHead]);
      for (int r = 0; r < rows.length; r += ROWS) {
        int count = Math.min(ROWS, rows.length - r);
        tile.weigh(
            view,
            kvHead,
            rows,
            r,
            count,
            head,
            1,
            statistic.entryFrom(),
            entryTo,
            q,
            qOffset,
            qStride);
        for (int i = 0; i < count; i++) {
          reduce(tile, i, r + i, head);
        }
      }
    }
  }

  private void reduce(AttentionTile tile, int m, int line, int head) {
    int width = statistic.entryTo() - statistic.entryFrom();
    int at = head * headLength + (each() ? line * width : 0);
    for (int e = 0; e < width; e++) {
      float share = tile.share(m, statistic.entryFrom() + e);
      float joined = perHead[at + e];
      perHead[at + e] =
          switch (statistic.reduction()) {
            case SUM, EACH -> joined + share;
            case SQUARES -> joined + share * share;
            case MAX -> Math.max(joined, share);
          };
    }
  }
}
