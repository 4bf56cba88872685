package io.kvasir.runtime.model;

/** Joins the items' layer plans into the batch's row sets. */
final class LayerSets {
  private LayerSets() {}

  static void fill(StepContext c, int layer) {
    // A layer that reads another layer's KV, or keeps none, writes none.
    boolean owner = c.model.cacheLayout().ownerLayer(layer) == layer;
    if (c.dense) {
      c.query.setAll(c.batchRows);
      c.residual.setAll(c.batchRows);
      c.write.clear();
      if (owner) {
        c.write.setAll(c.batchRows);
      }
      return;
    }
    c.query.clear();
    c.write.clear();
    c.residual.clear();
    for (int i = 0; i < c.active.size(); i++) {
      WorkItem item = c.active.get(i);
      LayerPlan plan = c.plans.get(i);
      addRows(c.query, item, plan.allQuery, plan.query, plan.queryCount);
      if (item.writes && owner) {
        addRows(c.write, item, plan.allWrite, plan.write, plan.writeCount);
      }
      addRows(c.residual, item, plan.allResidual, plan.residual, plan.residualCount);
    }
    c.query.normalise(c.batchRows);
    c.write.normalise(c.batchRows);
    c.residual.normalise(c.batchRows);
  }

  private static void addRows(RowSet set, WorkItem item, boolean all, int[] ordinals, int count) {
    if (all) {
      for (int k = 0; k < item.liveCount; k++) {
        set.add(item.base + k);
      }
      return;
    }
    for (int k = 0; k < count; k++) {
      int place = item.placeOf[ordinals[k]];
      if (place >= 0) {
        set.add(item.base + place);
      }
    }
  }
}
