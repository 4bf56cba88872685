package io.kvasir.runtime.device;

import java.util.Arrays;

/** Deep copies of plans, as an asynchronous device takes them when a call is enqueued. */
final class PlanCopies {
  private PlanCopies() {}

  static KvWritePlan of(KvWritePlan plan) {
    KvWritePlan copy = new KvWritePlan();
    copy.layout = plan.layout;
    copy.kvHeadCount = plan.kvHeadCount;
    copy.rotary = AsyncScalarDevice.rotary(plan.rotary);
    copy.memory = AsyncScalarDevice.pages(plan.memory);
    copy.count = plan.count;
    int axes = plan.axisCount();
    copy.row = Arrays.copyOf(plan.row, plan.count);
    copy.frame = Arrays.copyOf(plan.frame, plan.count * plan.kvHeadCount);
    copy.slot = Arrays.copyOf(plan.slot, plan.count * plan.kvHeadCount);
    copy.position = Arrays.copyOf(plan.position, plan.count * axes);
    return copy;
  }

  static AttentionPlan of(AttentionPlan plan) {
    AttentionPlan copy = new AttentionPlan();
    copy.headCount = plan.headCount;
    copy.kvHeadCount = plan.kvHeadCount;
    copy.layout = plan.layout;
    copy.scale = plan.scale;
    copy.rotary = AsyncScalarDevice.rotary(plan.rotary);
    copy.window = plan.window;
    copy.memory = AsyncScalarDevice.pages(plan.memory);
    copy.rowCount = plan.rowCount;
    copy.rowIndex = plan.rowIndex.clone();
    copy.rowPosition = plan.rowPosition.clone();
    copy.rowSelfEntry = plan.rowSelfEntry.clone();
    copy.rowRanges = clone(plan.rowRanges);
    copy.rowBits = clone(plan.rowBits);
    copy.rowBitsFrom = plan.rowBitsFrom == null ? null : plan.rowBitsFrom.clone();
    copy.segmentCount = plan.segmentCount;
    copy.segmentFirstRow = plan.segmentFirstRow.clone();
    copy.segmentRowCount = plan.segmentRowCount.clone();
    copy.segmentView = new KvView[plan.segmentView.length];
    for (int s = 0; s < plan.segmentCount; s++) {
      copy.segmentView[s] = of(plan.segmentView[s]);
    }
    copy.statistics = AsyncScalarDevice.statistics(plan.statistics);
    return copy;
  }

  private static KvView of(KvView view) {
    KvView copy = new KvView();
    copy.frames = view.frames.clone();
    copy.framesStart = view.framesStart;
    copy.headTableStride = view.headTableStride;
    copy.headOffsetBytes = view.headOffsetBytes;
    copy.layerOffsetBytes = view.layerOffsetBytes;
    copy.entryCounts = view.entryCounts.clone();
    copy.indices = clone(view.indices);
    copy.firstIndex = view.firstIndex;
    copy.orderByEntry = view.orderByEntry;
    copy.positions = clone(view.positions);
    copy.logWeights = clone(view.logWeights);
    return copy;
  }

  private static int[][] clone(int[][] rows) {
    if (rows == null) {
      return null;
    }
    int[][] copy = rows.clone();
    Arrays.setAll(copy, i -> rows[i] == null ? null : rows[i].clone());
    return copy;
  }

  private static long[][] clone(long[][] rows) {
    if (rows == null) {
      return null;
    }
    long[][] copy = rows.clone();
    Arrays.setAll(copy, i -> rows[i] == null ? null : rows[i].clone());
    return copy;
  }

  private static float[][] clone(float[][] rows) {
    if (rows == null) {
      return null;
    }
    float[][] copy = rows.clone();
    Arrays.setAll(copy, i -> rows[i] == null ? null : rows[i].clone());
    return copy;
  }
}
