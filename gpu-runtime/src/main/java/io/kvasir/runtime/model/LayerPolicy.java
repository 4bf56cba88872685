package io.kvasir.runtime.model;

/**
 * Decides, item by item and layer by layer, which rows take part. Runs on the engine's thread; must
 * decide from the item and from device values it downloaded, never from batch composition or load.
 */
public interface LayerPolicy {
  /** Changes {@code plan}, which arrives dense. */
  void plan(WorkItem item, int layer, LayerPlan plan);

  /**
   * After {@link LayerPlan#statisticsBefore} were taken and their targets are complete: may narrow
   * residual and query rows. K and V are already written.
   */
  default void revise(WorkItem item, int layer, LayerPlan plan) {}
}
