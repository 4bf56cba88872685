package io.kvasir.runtime.model;

import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.AttentionStatistic;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;
import java.util.Arrays;

/**
 * Turns the items' layer plans into the device's attention and write plans. One per model, shared
 * by its attention layers, refilled layer by layer without allocation in the dense case.
 */
public final class AttentionPlanner {
  private final AttentionPlan attention = new AttentionPlan();
  private final KvWritePlan writes = new KvWritePlan();
  private final RowSet outputs = new RowSet();
  private AttentionMixer.Parts parts;
  private int group;
  private boolean owner;
  private int outputCount;

  AttentionPlan attention() {
    return attention;
  }

  KvWritePlan writes() {
    return writes;
  }

  void begin(StepContext c, int layer, AttentionMixer.Parts p) {
    parts = p;
    CacheLayout layout = c.model.cacheLayout();
    group = layout.groupOf(layer);
    owner = layout.ownerLayer(layer) == layer;
    attention.headCount = p.headCount();
    attention.kvHeadCount = p.kvHeadCount();
    attention.layout = layout.group(group).frame();
    attention.scale = p.scale();
    attention.rotary = p.rotary();
    attention.window = p.window();
    attention.memory = c.model.arena().memory();
    writes.layout = attention.layout;
    writes.kvHeadCount = p.kvHeadCount();
    writes.rotary = attention.layout.keysRotated() ? p.rotary() : null;
    writes.memory = attention.memory;
  }

  /** Write targets of {@code c.writeRows()}, in their order. */
  void fillWrites(StepContext c, int layer) {
    int axes = parts.rotary() == null ? 1 : parts.rotary().spec().axisCount();
    int count = c.write.count;
    writes.ensure(count, parts.kvHeadCount(), axes);
    writes.count = count;
    int at = 0;
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      LayerPlan plan = c.plans.get(i);
      int end = item.base + item.liveCount;
      while (at < count && c.write.rows[at] < end) {
        int ordinal = c.ordinalAt(item, c.write.rows[at]);
        writes.row[at] = at;
        if (plan.headEntries != null) {
          int k = Arrays.binarySearch(plan.write, 0, plan.writeCount, ordinal);
          item.cache.writeTarget(layer, plan.headEntries[k], writes, at);
        } else {
          int entry = item.entryOf(group, ordinal);
          if (plan.writeEntries != null) {
            entry = plan.writeEntries[Arrays.binarySearch(plan.write, 0, plan.writeCount, ordinal)];
          }
          item.cache.writeTarget(layer, entry, writes, at);
        }
        copyPositions(item, ordinal, writes.position, at, axes);
        at++;
      }
    }
  }

  /** Query rows, segments, masks and the statistics taken with the attention. */
  void fillAttention(StepContext c, int layer) {
    fillRows(c, layer);
    attention.statistics = statistics(c, false);
    outputs.clear();
    int at = 0;
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      LayerPlan plan = c.plans.get(i);
      while (at < c.query.count && c.query.rows[at] < item.base + item.liveCount) {
        if (!plan.withoutOutput && plan.isResidual(c.ordinalAt(item, c.query.rows[at]))) {
          outputs.add(at);
        }
        at++;
      }
    }
    outputCount = outputs.count;
  }

  boolean noOutput() {
    return outputCount == 0;
  }

  boolean someWithoutOutput() {
    return outputCount != attention.rowCount;
  }

  /** Adds projected[i] to the hidden row of query i, for queries that have an output. */
  void addOutputs(StepContext c) {
    StepBuffers b = c.buffers;
    int width = c.hiddenSize();
    DeviceFloats source = b.projected;
    if (someWithoutOutput()) {
      c.kernels.gatherRows(b.projected, outputs.rows, outputCount, width, b.gathered, 0);
      source = b.gathered;
      for (int i = 0; i < outputCount; i++) {
        outputs.rows[i] = c.query.rows[outputs.rows[i]];
      }
      c.kernels.addRows(source, outputs.rows, null, outputCount, width, b.hidden);
    } else {
      c.kernels.addRows(source, c.query.rows, null, outputCount, width, b.hidden);
    }
  }

  /** Prepares the statistics wanted before attention; false if there are none. */
  boolean statisticsBefore(StepContext c, int layer) {
    AttentionStatistic[] wanted = null;
    for (int i = 0; i < c.plans.size(); i++) {
      if (c.plans.get(i).before != null) {
        fillRows(c, layer);
        wanted = statistics(c, true);
        break;
      }
    }
    attention.statistics = wanted;
    return wanted != null;
  }

  /** Lets the policies that asked for statistics narrow their rows, then rebuilds the sets. */
  void revise(StepContext c, int layer) {
    for (int i = 0; i < c.active.size(); i++) {
      LayerPlan plan = c.plans.get(i);
      if (plan.before != null) {
        c.active.get(i).policy.revise(c.active.get(i), layer, plan);
      }
    }
    LayerSets.fill(c, layer);
  }

  private void fillRows(StepContext c, int layer) {
    int axes = attention.axisCount();
    int count = c.query.count;
    attention.ensure(count, c.active.size(), axes);
    attention.rowCount = count;
    attention.rowRanges = null;
    attention.rowBits = null;
    int segment = 0;
    int at = 0;
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      LayerPlan plan = c.plans.get(i);
      int end = item.base + item.liveCount;
      int first = at;
      KvView view = item.cache.view(layer);
      boolean headPages = view.orderByEntry;
      int dropped = item.cache.dropped(group);
      while (at < count && c.query.rows[at] < end) {
        int ordinal = c.ordinalAt(item, c.query.rows[at]);
        attention.rowIndex[at] = item.index[ordinal];
        int own = headPages ? -1 : ownEntry(item, plan, ordinal);
        attention.rowSelfEntry[at] = own < 0 ? -1 : own - dropped;
        copyPositions(item, ordinal, attention.rowPosition, at, axes);
        if (plan.ranges != null || plan.bits != null) {
          restrict(plan, ordinal, at, dropped);
        }
        at++;
      }
      if (at > first) {
        attention.segmentFirstRow[segment] = first;
        attention.segmentRowCount[segment] = at - first;
        attention.segmentView[segment] = view;
        segment++;
      }
    }
    attention.segmentCount = segment;
  }

  /**
   * The entry that holds the row's K and V of this layer, written now or before; −1 for a row that
   * wrote none, which finds itself, if anywhere, by causal order.
   */
  private int ownEntry(WorkItem item, LayerPlan plan, int ordinal) {
    boolean writes = item.writes && owner;
    if (writes && plan.writeEntries != null) {
      int k = Arrays.binarySearch(plan.write, 0, plan.writeCount, ordinal);
      return k < 0 ? -1 : plan.writeEntries[k];
    }
    boolean owns = writes ? plan.isWritten(ordinal) : item.writes;
    return owns || item.entries != null ? item.entryOf(group, ordinal) : -1;
  }

  private void restrict(LayerPlan plan, int ordinal, int row, int dropped) {
    if (plan.ranges != null && plan.ranges[ordinal] != null) {
      if (attention.rowRanges == null) {
        attention.rowRanges = new int[attention.rowCount][];
      }
      attention.rowRanges[row] = plan.ranges[ordinal];
    }
    if (plan.bits != null && plan.bits[ordinal] != null) {
      if (attention.rowBits == null) {
        attention.rowBits = new long[attention.rowCount][];
        attention.rowBitsFrom = new int[attention.rowCount];
      }
      attention.rowBits[row] = plan.bits[ordinal];
      attention.rowBitsFrom[row] = plan.bitsFrom[ordinal] - dropped;
    }
  }

  /** Row ordinals of the policies' requests become plan rows; segments are numbered. */
  private AttentionStatistic[] statistics(StepContext c, boolean before) {
    AttentionStatistic[] all = null;
    int segment = 0;
    int first = 0;
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      int at = first;
      while (at < c.query.count && c.query.rows[at] < item.base + item.liveCount) {
        at++;
      }
      LayerPlan plan = c.plans.get(i);
      AttentionStatistic[] wanted = before ? plan.before : plan.during;
      if (wanted != null && at > first) {
        int from = all == null ? 0 : all.length;
        all =
            all == null
                ? new AttentionStatistic[wanted.length]
                : Arrays.copyOf(all, from + wanted.length);
        for (int s = 0; s < wanted.length; s++) {
          all[from + s] = inPlan(c, item, wanted[s], segment, first, at);
        }
      }
      if (at > first) {
        segment++;
      }
      first = at;
    }
    return all;
  }

  private AttentionStatistic inPlan(
      StepContext c, WorkItem item, AttentionStatistic s, int segment, int first, int end) {
    int[] rows = new int[s.rows().length];
    for (int r = 0; r < rows.length; r++) {
      int batchRow = item.base + item.placeOf[s.rows()[r]];
      int found = Arrays.binarySearch(c.query.rows, first, end, batchRow);
      if (found < 0) {
        throw new IllegalArgumentException(
            "statistic row="
                + s.rows()[r]
                + " does not query at this layer, add it to the queries");
      }
      rows[r] = found;
    }
    int dropped = item.cache.dropped(group);
    return new AttentionStatistic(
        segment,
        rows,
        s.entryFrom() - dropped,
        s.entryTo() - dropped,
        s.reduction(),
        s.headGroup(),
        s.target(),
        s.targetOffset());
  }

  private static void copyPositions(WorkItem item, int ordinal, int[] target, int row, int axes) {
    for (int a = 0; a < axes; a++) {
      target[row * axes + a] = item.positions[ordinal * item.axes + Math.min(a, item.axes - 1)];
    }
  }

  void hooksBefore(
      StepContext c,
      int layer,
      DeviceFloats q,
      int qStride,
      DeviceFloats kv,
      long kOffset,
      int kvStride) {
    if (!c.hooked) {
      return;
    }
    int qWidth = parts.queryWidth();
    int kvWidth = parts.keyValueWidth();
    c.hook(HookPoint.QUERY, layer, c.query, q, 0, qStride, qWidth);
    c.hook(HookPoint.KEY, layer, c.write, kv, kOffset, kvStride, kvWidth);
    c.hook(HookPoint.VALUE, layer, c.write, kv, kOffset + kvWidth, kvStride, kvWidth);
    if (c.anyHook(HookPoint.QUERY_ROTATED)) {
      rotatedHook(c, layer, HookPoint.QUERY_ROTATED, c.query, q, 0, qStride, parts.headCount());
    }
    if (c.anyHook(HookPoint.KEY_ROTATED)) {
      rotatedHook(
          c, layer, HookPoint.KEY_ROTATED, c.write, kv, kOffset, kvStride, parts.kvHeadCount());
    }
  }

  private void rotatedHook(
      StepContext c,
      int layer,
      HookPoint point,
      RowSet rows,
      DeviceFloats source,
      long offset,
      int stride,
      int heads) {
    int width = heads * parts.headDim();
    int axes = attention.axisCount();
    int[] positions = new int[rows.count * axes];
    DeviceFloats copy = c.device.floats((long) Math.max(1, rows.count) * width);
    for (int i = 0, at = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      for (; at < rows.count && rows.rows[at] < item.base + item.liveCount; at++) {
        copyPositions(item, c.ordinalAt(item, rows.rows[at]), positions, at, axes);
        c.device.copy(source, offset + (long) at * stride, copy, (long) at * width, width);
      }
    }
    if (parts.rotary() != null) {
      c.kernels.rotate(
          parts.rotary(), positions, copy, 0, width, rows.count, heads, parts.headDim());
    }
    c.hook(point, layer, rows, copy, 0, width, width);
    c.device.await();
    copy.close();
  }

  void hooksWritten(StepContext c, int layer) {
    if (c.hooked) {
      c.hook(HookPoint.KV_WRITTEN, layer, c.write, null, 0, 0, 0);
    }
  }
}
