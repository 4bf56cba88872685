package io.kvasir.actors.api;

import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.tier.Rates;
import io.kvasir.runtime.blocks.Residence;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/** What an operator may ask of a node, gateway or not. Any thread; nothing blocks. */
public final class NodeAdmin {
  private final NodeServices services;
  private final NodeMetrics metrics;

  NodeAdmin(NodeServices services, NodeMetrics metrics) {
    this.services = services;
    this.metrics = metrics;
  }

  /** The node's figures in Prometheus text. */
  public String scrape() {
    services.observe(metrics);
    return metrics.scrape();
  }

  /** What it holds now. */
  public NodeMemory memory() {
    return services.memory();
  }

  /**
   * Measures on purpose what loading from each source costs; takes seconds and a part of the
   * caches.
   *
   * @return one entry a model with a device here; fails with one sentence when there is none, or a
   *     calibration is under way
   */
  public CompletionStage<List<Rates>> calibrate() {
    return services.calibrate();
  }

  /** The node's name. */
  public String name() {
    return services.name();
  }

  /**
   * Drops what nobody refers to or keeps, and what is on its way down.
   *
   * @param tiers device or host, or both
   * @return blocks dropped, by tier; the device does it between two steps
   * @throws IllegalArgumentException naming another tier
   */
  public CompletionStage<Map<Residence, Integer>> clear(Set<Residence> tiers) {
    for (Residence tier : tiers) {
      if (tier != Residence.DEVICE && tier != Residence.HOST) {
        throw new IllegalArgumentException(
            "tiers=%s cannot be cleared, name device or host".formatted(tier));
      }
    }
    return services.clear(tiers);
  }
}
