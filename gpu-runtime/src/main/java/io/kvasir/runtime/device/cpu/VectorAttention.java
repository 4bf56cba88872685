package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.AttentionStatistic;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.KvView;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Cuts an attention call into tiles, one KV head × a few rows each, and hands them out. How a call
 * is cut changes no bit: each row's reductions stand alone.
 */
final class VectorAttention implements WorkerTeam.Task {
  /** Queries per tile: enough to use an expanded key or value many times. */
  private static final int QUERIES = 64;

  /** Scores per tile, 1 MiB: at long context a tile has fewer rows. */
  private static final int SCORES = 1 << 18;

  /** Below this many multiplications a dispatch costs more than it saves. */
  private static final long ALONE = 1 << 16;

  private final WorkerTeam team;
  private final AttentionTile[] tiles;
  private final AttentionStatistics statistics;

  private AttentionPlan plan;
  private float[] q;
  private int qOffset;
  private int qStride;
  private float[] out;
  private int outOffset;
  private int outStride;

  // The tiles of the call at hand.
  private int tileCount;
  private int[] tileSegment = new int[16];
  private int[] tileRow = new int[16];
  private int[] tileRows = new int[16];

  VectorAttention(WorkerTeam team, Scratch[] scratch) {
    this.team = team;
    tiles = new AttentionTile[scratch.length];
    Arrays.setAll(tiles, i -> new AttentionTile(scratch[i]));
    statistics = new AttentionStatistics(team, tiles);
  }

  void run(
      AttentionPlan plan,
      DeviceFloats q,
      long qOffset,
      int qStride,
      DeviceFloats out,
      long outOffset,
      int outStride) {
    ScalarKernels.requireHeads(plan);
    int qWidth = plan.headCount * plan.layout.keyWidth();
    int outWidth = plan.headCount * plan.layout.valueWidth();
    this.q = CpuFloats.requireRows("attend q", q, qOffset, plan.rowCount, qStride, qWidth);
    this.qOffset = (int) qOffset;
    this.qStride = qStride;
    this.plan = plan;
    MemorySegment pages = CpuPages.require(plan.memory);
    for (AttentionTile tile : tiles) {
      tile.bind(plan, pages);
    }
    try {
      if (out != null) {
        this.out =
            CpuFloats.requireRows("attend out", out, outOffset, plan.rowCount, outStride, outWidth);
        this.outOffset = (int) outOffset;
        this.outStride = outStride;
        attend();
      }
      if (plan.statistics != null) {
        for (AttentionStatistic statistic : plan.statistics) {
          statistics.take(plan, statistic, this.q, this.qOffset, qStride);
        }
      }
    } finally {
      for (AttentionTile tile : tiles) {
        tile.release();
      }
      this.plan = null;
      this.q = null;
      this.out = null;
    }
  }

  private void attend() {
    long work = cut();
    int units = tileCount * plan.kvHeadCount;
    if (work < ALONE) {
      team.runAlone(this, units);
    } else {
      team.run(this, units, 1);
    }
  }

  /** Lists the tiles, those of late rows (which see most) first; returns the multiplications. */
  private long cut() {
    int group = plan.headCount / plan.kvHeadCount;
    long work = 0;
    tileCount = 0;
    for (int s = 0; s < plan.segmentCount; s++) {
      int entries = Math.max(1, longest(plan.segmentView[s]));
      int byScores = (int) (SCORES / ((long) entries * group));
      int rows = Math.clamp(Math.min(QUERIES / group, byScores), 1, QUERIES);
      int end = plan.segmentFirstRow[s] + plan.segmentRowCount[s];
      while (end > plan.segmentFirstRow[s]) {
        int first = Math.max(plan.segmentFirstRow[s], end - rows);
        add(s, first, end - first);
        end = first;
      }
      work += (long) plan.segmentRowCount[s] * plan.headCount * entries * plan.layout.keyWidth();
    }
    return work;
  }

  private int longest(KvView view) {
    int most = 0;
    for (int h = 0; h < plan.kvHeadCount; h++) {
      most = Math.max(most, view.entryCounts[h]);
    }
    return most;
  }

  private void add(int segment, int row, int rows) {
    if (tileCount == tileSegment.length) {
      tileSegment = Arrays.copyOf(tileSegment, 2 * tileCount);
      tileRow = Arrays.copyOf(tileRow, 2 * tileCount);
      tileRows = Arrays.copyOf(tileRows, 2 * tileCount);
    }
    tileSegment[tileCount] = segment;
    tileRow[tileCount] = row;
    tileRows[tileCount++] = rows;
  }

  @Override
  public void run(int worker, int from, int to) {
    int group = plan.headCount / plan.kvHeadCount;
    AttentionTile tile = tiles[worker];
    for (int unit = from; unit < to; unit++) {
      int t = unit / plan.kvHeadCount;
      int kvHead = unit % plan.kvHeadCount;
      KvView view = plan.segmentView[tileSegment[t]];
      int head = kvHead * group;
      tile.weigh(
          view,
          kvHead,
          null,
          tileRow[t],
          tileRows[t],
          head,
          group,
          0,
          view.entryCounts[kvHead],
          q,
          qOffset,
          qStride);
      int at = outOffset + tileRow[t] * outStride + head * plan.layout.valueWidth();
      tile.output(out, at, outStride);
    }
  }
}
