package io.kvasir.runtime.model;

import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.model.ParkedRows.Stage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs a step: work items enter at their first layer, share every layer's batch while they last,
 * and leave with logits, with hidden states, or with nothing. A row's values depend on its item
 * alone, never on who shares the batch (law 1).
 *
 * <p>Thread rule: the device's owning thread. Nothing is allocated in a step without policies and
 * hooks once the arrays have grown to the batch.
 */
public final class StepExecutor implements AutoCloseable {
  /** Takes logits and hidden states as they come; called on the stepping thread. */
  @FunctionalInterface
  public interface LogitConsumer {
    /** {@code logits[offset .. offset + vocabSize)} belongs to the row until the call returns. */
    void accept(WorkItem item, int rowOrdinal, float[] logits, int offset);

    /**
     * {@code states[offset .. offset + hiddenSize)}, the row's hidden state after the final norm,
     * belongs to the row until the call returns. An item's rows come in ascending order.
     */
    default void acceptState(WorkItem item, int rowOrdinal, float[] states, int offset) {
      throw new IllegalStateException(
          "an item wants hidden states of a step whose consumer takes none, ask for logits");
    }
  }

  private final DecoderModel model;
  private final StepContext c;
  private final List<WorkItem> entering = new ArrayList<>();
  private final List<LayerPlan> planPool = new ArrayList<>();
  private final LogitRows logits;
  private final StateRows states;
  private int[] ids = new int[64];
  private int[] keep = new int[64];

  public StepExecutor(DecoderModel model, int maxRows) {
    this.model = model;
    this.c = new StepContext(model.device(), model, maxRows);
    this.logits = new LogitRows(c);
    this.states = new StateRows(c);
  }

  public int maxRows() {
    return c.maxRows;
  }

  public DecoderModel model() {
    return model;
  }

  /**
   * Runs all items to the end of their layers or until they park. K and V are written to reserved
   * entries; committing them is the caller's.
   */
  public void run(List<WorkItem> items, LogitConsumer consumer) {
    c.device.beginTurn();
    try {
      runLayers(items, consumer);
    } finally {
      c.device.endTurn();
    }
  }

  private void runLayers(List<WorkItem> items, LogitConsumer consumer) {
    int rows = 0;
    int first = Integer.MAX_VALUE;
    int end = 0;
    for (int i = 0; i < items.size(); i++) {
      WorkItem item = items.get(i);
      rows += item.enteringRows();
      first = Math.min(first, item.firstLayer);
      end = Math.max(end, item.endLayer);
      item.active = false;
      item.parked = null;
    }
    if (rows > c.maxRows) {
      throw new IllegalArgumentException(
          "step rows=" + rows + " > maxRows=" + c.maxRows + ", split the step");
    }
    c.active.clear();
    logits.clear();
    states.clear();
    c.batchRows = 0;
    for (int layer = first; layer <= end; layer++) {
      enter(items, layer, true);
      leave(layer, consumer);
      if (layer < end) {
        enter(items, layer, false);
        if (c.active.isEmpty()) {
          continue;
        }
        c.device.yieldTurn();
        runLayer(layer);
      }
    }
    c.device.await();
  }

  private void runLayer(int layer) {
    plan(layer);
    c.hooked = false;
    for (int i = 0; i < c.active.size(); i++) {
      c.hooked |= c.active.get(i).hook != null;
    }
    if (c.hooked) {
      allRowsHook(HookPoint.BEFORE_LAYER, layer);
    }
    if (resumedCount(layer) < c.active.size()) {
      mix(layer);
    }
    if (c.active.isEmpty()) {
      return;
    }
    feedForward(layer);
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      LayerPlan plan = c.plans.get(i);
      item.rowLayers += residualRows(item, plan);
    }
    if (c.hooked) {
      allRowsHook(HookPoint.AFTER_LAYER, layer);
    }
    dropRows();
  }

  /** Items that resume after this layer's mixer; their rows take part in the feed-forward only. */
  private int resumedCount(int layer) {
    int count = 0;
    for (int i = 0; i < c.active.size(); i++) {
      count += c.active.get(i).resumesInFeedForward(layer) ? 1 : 0;
    }
    return count;
  }

  private void mix(int layer) {
    model.layers().get(layer).mixer().mix(c, layer);
    if (!c.parking.isEmpty()) {
      parkAll(layer, Stage.MIXER);
      LayerSets.fill(c, layer);
    }
  }

  private void feedForward(int layer) {
    if (c.residual.count == 0) {
      return;
    }
    boolean done = model.layers().get(layer).feedForward().forward(c, layer, c.residual);
    if (!done) {
      c.parking.clear();
      for (int i = 0; i < c.active.size(); i++) {
        if (residualRows(c.active.get(i), c.plans.get(i)) > 0) {
          c.park(c.active.get(i));
        }
      }
    }
    if (!c.parking.isEmpty()) {
      parkAll(layer, Stage.FEED_FORWARD);
    }
  }

  private static int residualRows(WorkItem item, LayerPlan plan) {
    int count = 0;
    for (int r = 0; r < item.liveCount; r++) {
      count += plan.isResidual(item.live[r]) ? 1 : 0;
    }
    return count;
  }

  private void plan(int layer) {
    c.dense = true;
    c.plans.clear();
    c.parking.clear();
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      if (i == planPool.size()) {
        planPool.add(new LayerPlan());
      }
      LayerPlan plan = planPool.get(i);
      plan.reset();
      c.plans.add(plan);
      if (item.policy != null) {
        item.policy.plan(item, layer, plan);
      } else if (layer == model.layerCount() - 1 && item.hook == null && !item.keepHidden) {
        // Nobody looks at the other rows' last hidden states: they only write K and V.
        plan.onlyOutputRows(item);
      }
      if (plan.park) {
        c.park(item);
      }
      if (item.resumesInFeedForward(layer)) {
        plan.feedForwardOnly();
      }
    }
    if (!c.parking.isEmpty()) {
      parkAll(layer, Stage.MIXER);
    }
    for (int i = 0; i < c.active.size(); i++) {
      c.dense &= c.plans.get(i).dense() && c.active.get(i).writes;
    }
    LayerSets.fill(c, layer);
  }

  /**
   * Rows that start at this layer join the batch.
   *
   * @param outputsOnly takes the items that run no layer at all: hidden states that only want
   *     logits
   */
  private void enter(List<WorkItem> items, int layer, boolean outputsOnly) {
    entering.clear();
    for (int i = 0; i < items.size(); i++) {
      WorkItem item = items.get(i);
      boolean now = item.firstLayer == layer && (item.endLayer == layer) == outputsOnly;
      if (!item.active && now && item.rowCount > 0) {
        entering.add(item);
      }
    }
    int idCount = 0;
    int idBase = c.batchRows;
    for (int i = 0; i < entering.size(); i++) {
      WorkItem item = entering.get(i);
      item.active = true;
      item.base = c.batchRows;
      item.liveCount = item.rowCount;
      for (int r = 0; r < item.rowCount; r++) {
        item.live[r] = r;
        item.placeOf[r] = r;
      }
      item.announceIndices();
      c.active.add(item);
      long offset = (long) item.base * model.hiddenSize();
      switch (item.input) {
        case TOKENS -> {
          if (idCount == 0) {
            idBase = item.base;
          } else if (idBase + idCount != item.base) {
            embed(idCount, idBase);
            idCount = 0;
            idBase = item.base;
          }
          if (ids.length < idCount + item.rowCount) {
            ids = Arrays.copyOf(ids, Math.max(2 * ids.length, idCount + item.rowCount));
          }
          System.arraycopy(item.tokenIds, 0, ids, idCount, item.rowCount);
          idCount += item.rowCount;
          c.batchRows += item.rowCount;
        }
        case EMBEDDINGS -> {
          c.device.upload(
              item.embeddings, 0, c.buffers.hidden, offset, item.rowCount * model.hiddenSize());
          c.batchRows += item.rowCount;
        }
        case PARKED -> enterParked(item, offset);
      }
    }
    if (idCount > 0) {
      embed(idCount, idBase);
    }
  }

  private void enterParked(WorkItem item, long offset) {
    int[] ordinals = item.parkedInput.ordinals();
    Arrays.fill(item.placeOf, 0, item.rowCount, -1);
    for (int r = 0; r < ordinals.length; r++) {
      item.live[r] = ordinals[r];
      item.placeOf[ordinals[r]] = r;
    }
    item.liveCount = ordinals.length;
    long count = (long) ordinals.length * model.hiddenSize();
    c.device.copy(item.parkedInput.hidden(), 0, c.buffers.hidden, offset, count);
    c.batchRows += ordinals.length;
  }

  private void embed(int count, int firstRow) {
    long offset = (long) firstRow * model.hiddenSize();
    c.kernels.embed(model.embedding(), ids, 0, count, c.buffers.hidden, offset);
  }

  /** Items that are through their last layer give their outputs and free their rows. */
  private void leave(int layer, LogitConsumer consumer) {
    boolean any = false;
    for (int i = 0; i < c.active.size(); i++) {
      any |= c.active.get(i).endLayer == layer;
    }
    if (!any) {
      return;
    }
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      if (item.endLayer != layer) {
        continue;
      }
      item.active = false;
      if (item.keepHidden) {
        item.parked = copyRows(item, layer, Stage.MIXER);
      }
      for (int r = 0; r < item.liveCount; r++) {
        if (item.wantsLogits[item.live[r]]) {
          logits.add(item, item.live[r], item.base + r, consumer);
        }
        if (item.live[r] >= item.statesFrom) {
          states.add(item, item.live[r], item.base + r, consumer);
        }
      }
    }
    logits.flush(consumer);
    states.flush(consumer);
    compact();
  }

  private void parkAll(int layer, Stage stage) {
    for (int i = 0; i < c.parking.size(); i++) {
      WorkItem item = c.parking.get(i);
      boolean mixed = item.resumesInFeedForward(layer);
      item.parked = copyRows(item, layer, mixed ? Stage.FEED_FORWARD : stage);
      item.active = false;
    }
    c.parking.clear();
    for (int i = c.active.size() - 1; i >= 0; i--) {
      if (!c.active.get(i).active) {
        planPool.add(planPool.remove(i));
        c.plans.remove(i);
      }
    }
    compact();
  }

  private ParkedRows copyRows(WorkItem item, int layer, Stage stage) {
    long count = (long) item.liveCount * model.hiddenSize();
    DeviceFloats hidden = c.device.floats(Math.max(1, count));
    long from = (long) item.base * model.hiddenSize();
    c.device.copy(c.buffers.hidden, from, hidden, 0, count);
    return new ParkedRows(layer, stage, Arrays.copyOf(item.live, item.liveCount), hidden);
  }

  /** After a layer: rows that are neither residual nor frozen leave their item. */
  private void dropRows() {
    if (c.dense) {
      return;
    }
    boolean any = false;
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      LayerPlan plan = c.plans.get(i);
      if (plan.allResidual || plan.freeze) {
        continue;
      }
      int kept = 0;
      for (int r = 0; r < item.liveCount; r++) {
        int ordinal = item.live[r];
        if (plan.isResidual(ordinal)) {
          kept++;
        } else {
          item.placeOf[ordinal] = -1;
        }
      }
      any |= kept < item.liveCount;
    }
    if (any) {
      compact();
    }
  }

  /** Closes the gaps of items that are no longer active and of rows whose place was cleared. */
  private void compact() {
    int rows = 0;
    int items = 0;
    boolean moved = false;
    if (keep.length < c.batchRows) {
      keep = new int[Math.max(c.batchRows, 2 * keep.length)];
    }
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      if (!item.active) {
        continue;
      }
      int base = rows;
      int live = 0;
      for (int r = 0; r < item.liveCount; r++) {
        int ordinal = item.live[r];
        if (item.placeOf[ordinal] >= 0) {
          moved |= item.base + r != rows;
          keep[rows++] = item.base + r;
          item.live[live] = ordinal;
          item.placeOf[ordinal] = live++;
        }
      }
      item.base = base;
      item.liveCount = live;
      c.active.set(items++, item);
    }
    while (c.active.size() > items) {
      c.active.remove(c.active.size() - 1);
    }
    if (moved && rows > 0) {
      c.kernels.gatherRows(
          c.buffers.hidden, keep, rows, model.hiddenSize(), c.buffers.hiddenSpare, 0);
      c.buffers.swapHidden();
    }
    c.batchRows = rows;
  }

  private void allRowsHook(HookPoint point, int layer) {
    RowSet all = new RowSet();
    all.setAll(c.batchRows);
    int width = model.hiddenSize();
    c.hook(point, layer, all, c.buffers.hidden, 0, width, width);
  }

  @Override
  public void close() {
    c.buffers.close();
    logits.close();
    states.close();
  }
}
