package io.kvasir.actors.directory;

import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** How long each copy takes to answer: a moving mean and deviation. Any thread. */
final class Latencies {
  private static final int MEAN_SHARE = 8;
  private static final int DEVIATION_SHARE = 4;
  private static final int DEVIATIONS = 4;

  private record Estimate(long meanNs, long deviationNs) {}

  private final Map<Long, Estimate> estimates = new ConcurrentHashMap<>();

  /** A copy has answered. */
  void record(long nodeId, long tookNs) {
    estimates.merge(
        nodeId,
        new Estimate(tookNs, tookNs / 2),
        (old, first) -> {
          long error = tookNs - old.meanNs;
          return new Estimate(
              old.meanNs + error / MEAN_SHARE,
              old.deviationNs + (Math.abs(error) - old.deviationNs) / DEVIATION_SHARE);
        });
  }

  /** Mean of a copy; 0 when unknown, so that it is tried. */
  long meanNs(long nodeId) {
    Estimate estimate = estimates.get(nodeId);
    return estimate == null ? 0 : estimate.meanNs;
  }

  /** How long an answer of a copy may take before another is asked, within bounds. */
  long hedgeNs(long nodeId, long minNs, long maxNs) {
    Estimate estimate = estimates.get(nodeId);
    return estimate == null
        ? maxNs
        : Math.clamp(estimate.meanNs + DEVIATIONS * estimate.deviationNs, minNs, maxNs);
  }

  /** Forgets all but these. */
  void retain(Collection<Long> nodeIds) {
    estimates.keySet().retainAll(nodeIds);
  }
}
