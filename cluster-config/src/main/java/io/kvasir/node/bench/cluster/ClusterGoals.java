package io.kvasir.node.bench.cluster;

import io.kvasir.node.bench.BenchRow.Goal;

/** The figures that issue 5 sets, each with its reason and arithmetic. Pure. */
final class ClusterGoals {
  /** Of the medium's own bandwidth: checks, placing and messages may cost the rest. */
  private static final double SHARE_OF_MEDIUM = 0.6;

  /** A lookup, a lease and the way of a request to another node. */
  private static final double FIXED_MS = 10;

  /**
   * With half of the working set on each of two devices, everybody else's blocks push one's out.
   */
  static final Goal ROUTING_WITHOUT_TIERS = Goal.atLeast(2);

  /** Where any node can load anything, choosing by prefix may at most cost what noise does. */
  static final Goal ROUTING_WITH_TIERS = Goal.atLeast(0.98);

  /** Short contexts: silence, a tick, a lookup, and a prefill that takes less than both. */
  static final Goal RESUME_SHORT_MS = Goal.atMost(5000);

  private static final double RESUME_FIXED_MS = 2500;

  /** 20 KB a session: a few per user of a busy node cost less than one prompt's blocks. */
  static final Goal SESSIONS_MB = Goal.atMost(200);

  /** Of one core. */
  static final Goal IDLE_CORES = Goal.atMost(0.03);

  private ClusterGoals() {}

  /**
   * The latest first token of a prompt whose KV is loaded.
   *
   * @param deviceHitMs its first token when the device has it
   * @param bytes of its KV
   * @param mediumGbs bandwidth of the medium alone, in this run
   */
  static Goal loaded(double deviceHitMs, long bytes, double mediumGbs) {
    return Goal.atMost(deviceHitMs + bytes / (SHARE_OF_MEDIUM * mediumGbs * 1e6) + FIXED_MS);
  }

  /**
   * The longest silence of a stream whose node was killed, of any context.
   *
   * @param prefillMs predicted for the tokens whose KV died with the node
   */
  static Goal resumed(double prefillMs) {
    return Goal.atMost(RESUME_FIXED_MS + prefillMs);
  }

  /**
   * Prefill of a context, predicted from one that was measured; attention's square is left out, so
   * longer ones are predicted too short.
   */
  static double predictedPrefillMs(double measuredMs, int measuredTokens, int tokens) {
    return measuredMs * tokens / measuredTokens;
  }
}
