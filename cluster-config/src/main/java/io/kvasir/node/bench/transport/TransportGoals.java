package io.kvasir.node.bench.transport;

import io.kvasir.node.bench.BenchRow.Goal;

/** The speeds that issue 4 sets, as ratios to what ran in turn with it. */
final class TransportGoals {
  /**
   * A checksum reads what the copy has just written: what bare Aeron loses to it on shared memory.
   */
  static final Goal IPC_CRC = Goal.atLeast(0.75);

  /** Over sockets the kernel's copies outweigh it. */
  static final Goal UDP_CRC = Goal.atLeast(0.85);

  /** The JCE's cipher, once at each end; below 8 KiB frames its fixed cost prevails. */
  static final Goal UDP_GCM = Goal.atLeast(0.60);

  /** Reason enough for a data plane of its own beside Artery. */
  static final Goal OVER_ARTERY = Goal.atLeast(3);

  /** Sum and bookkeeping on top of the exchange itself. */
  static final Goal ALL_REDUCE_P50 = Goal.atMost(3);

  private TransportGoals() {}
}
