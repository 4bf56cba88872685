package io.kvasir.node.bench.transport;

import io.kvasir.node.bench.BenchRow.Goal;

/** The speeds that issue 4 sets, as ratios to what ran in turn with it. */
final class TransportGoals {
  /**
   * A checksum reads what the copy has just written: what bare Aeron loses to it on shared memory.
   */
  private static final Goal IPC_CRC = Goal.atLeast(0.75);

  /** Over sockets the kernel's copies outweigh it. */
  private static final Goal UDP_CRC = Goal.atLeast(0.85);

  /** The JCE's cipher, once at each end; below 8 KiB frames its fixed cost prevails. */
  private static final Goal UDP_GCM = Goal.atLeast(0.60);

  /** Reason enough for a data plane of its own beside Artery. */
  static final Goal OVER_ARTERY = Goal.atLeast(3);

  /** Sum and bookkeeping on top of the exchange itself. */
  static final Goal ALL_REDUCE_P50 = Goal.atMost(3);

  private static final double BESIDE_BULK_OVER_IDLE = 10;
  private static final double BESIDE_BULK_US = 2000;

  private TransportGoals() {}

  /** One bulk frame may be ahead in our queues, and two processes share the processors with it. */
  static Goal besideBulkP99(double idleP99Us) {
    return Goal.atMost(Math.max(BESIDE_BULK_OVER_IDLE * idleP99Us, BESIDE_BULK_US));
  }

  /** What the checksum may cost on a medium. */
  static Goal crc(Medium medium) {
    return medium == Medium.IPC ? IPC_CRC : UDP_CRC;
  }

  /** What the cipher may cost; null where it is only reported. */
  static Goal gcm(Medium medium) {
    return medium == Medium.UDP_64K || medium == Medium.UDP_8K ? UDP_GCM : null;
  }
}
