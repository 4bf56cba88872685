package io.kvasir.runtime.model;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Kernels;
import java.util.ArrayList;
import java.util.List;

/**
 * What a layer's halves see of the running step: the batch, its buffers, and each item's plan. Rows
 * of an item are contiguous in the batch. Owned by {@link StepExecutor}.
 */
public final class StepContext {
  final Device device;
  final Kernels kernels;
  final DecoderModel model;
  final int maxRows;
  final StepBuffers buffers;
  final List<WorkItem> active = new ArrayList<>();
  final List<LayerPlan> plans = new ArrayList<>();
  final RowSet query = new RowSet();
  final RowSet write = new RowSet();
  final RowSet residual = new RowSet();
  final List<WorkItem> parking = new ArrayList<>();
  int batchRows;
  boolean dense;

  /** Whether any item of the batch has a hook. */
  boolean hooked;

  StepContext(Device device, DecoderModel model, int maxRows) {
    this.device = device;
    this.kernels = device.kernels();
    this.model = model;
    this.maxRows = maxRows;
    this.buffers = new StepBuffers(device, model, maxRows);
  }

  public Device device() {
    return device;
  }

  /** Hidden states of the batch, [batchRows, hiddenSize]. */
  public DeviceFloats hidden() {
    return buffers.hidden;
  }

  /** Scratch of [maxRows, hiddenSize]. */
  public DeviceFloats normed() {
    return buffers.normed;
  }

  public int batchRows() {
    return batchRows;
  }

  public int hiddenSize() {
    return model.hiddenSize();
  }

  public int itemCount() {
    return active.size();
  }

  public WorkItem item(int i) {
    return active.get(i);
  }

  public LayerPlan plan(int i) {
    return plans.get(i);
  }

  /** First batch row of item i. */
  public int firstRow(int i) {
    return active.get(i).base;
  }

  /** Row ordinal of an item at a batch row. */
  public int ordinalAt(WorkItem item, int batchRow) {
    return item.live[batchRow - item.base];
  }

  /** Batch rows that query at this layer. */
  public RowSet queryRows() {
    return query;
  }

  /** Batch rows that write at this layer. */
  public RowSet writeRows() {
    return write;
  }

  /** Batch rows that stay residual at this layer. */
  public RowSet residualRows() {
    return residual;
  }

  /** The item stops before the current half; its rows take no further part in this step. */
  public void park(WorkItem item) {
    if (!parking.contains(item)) {
      parking.add(item);
    }
  }

  boolean anyHook(HookPoint point) {
    for (int i = 0; i < active.size(); i++) {
      LayerHook hook = active.get(i).hook;
      if (hook != null && hook.points().contains(point)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Calls the hooks of {@code point}: {@code rows} are the batch rows that lie one after another in
   * {@code buffer}.
   */
  public void hook(
      HookPoint point,
      int layer,
      RowSet rows,
      DeviceFloats buffer,
      long offset,
      int stride,
      int width) {
    int at = 0;
    for (int i = 0; i < active.size(); i++) {
      WorkItem item = active.get(i);
      int from = at;
      while (at < rows.count && rows.rows[at] < item.base + item.liveCount) {
        at++;
      }
      LayerHook hook = item.hook;
      if (hook == null || !hook.points().contains(point)) {
        continue;
      }
      if (point == HookPoint.BEFORE_LAYER && item.resumesInFeedForward(layer)) {
        continue;
      }
      int[] ordinals = new int[at - from];
      for (int r = from; r < at; r++) {
        ordinals[r - from] = ordinalAt(item, rows.rows[r]);
      }
      hook.at(
          point,
          item,
          layer,
          new LayerHook.View(
              device, buffer, offset + (long) from * stride, stride, width, ordinals));
    }
  }
}
