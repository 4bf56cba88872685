package io.kvasir.transport;

import java.util.Objects;

/**
 * Everything a transport's protocol needs to know. Times are monotonic durations.
 *
 * @param nodeId this node, unique in the cluster
 * @param incarnation this life of the node: random, compared for equality only
 * @param limits bounds of every table and queue
 * @param timeouts durations
 * @param identity what a peer must agree with
 */
public record TransportConfig(
    long nodeId, long incarnation, Limits limits, Timeouts timeouts, Identity identity) {
  public TransportConfig {
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(timeouts, "timeouts");
    Objects.requireNonNull(identity, "identity");
    if (incarnation == 0) {
      throw new IllegalArgumentException("incarnation=0 is reserved; draw a random one per start");
    }
  }

  /** Defaults for a node. */
  public static TransportConfig of(long nodeId, long incarnation) {
    return new TransportConfig(
        nodeId, incarnation, Limits.DEFAULT, Timeouts.DEFAULT, Identity.NONE);
  }

  /** The same with other limits. */
  public TransportConfig with(Limits other) {
    return new TransportConfig(nodeId, incarnation, other, timeouts, identity);
  }

  /** The same with other time-outs. */
  public TransportConfig with(Timeouts other) {
    return new TransportConfig(nodeId, incarnation, limits, other, identity);
  }

  /** The same with another identity. */
  public TransportConfig with(Identity other) {
    return new TransportConfig(nodeId, incarnation, limits, timeouts, other);
  }

  /** See {@link Timeouts#bestEffortPatienceNs}. */
  public long bestEffortPatienceNs() {
    return timeouts.bestEffortPatienceNs();
  }

  /**
   * Bounds.
   *
   * @param windowBytes credit of one transfer: bytes that may be under way unacknowledged; at least
   *     two frames are always granted
   * @param maxPeers peers known at a time
   * @param maxTransfersPerPeer transfers in one direction with one peer, finished ones that linger
   *     included
   * @param maxBatchBlocks blocks in one transfer
   * @param bytesPerCycle bulk bytes handed to one peer's publication in one agent cycle
   * @param commandQueueLength commands of callers waiting for the agent
   * @param maxGroups collective groups
   * @param maxVectorBytes longest contribution to a collective
   */
  public record Limits(
      int windowBytes,
      int maxPeers,
      int maxTransfersPerPeer,
      int maxBatchBlocks,
      int bytesPerCycle,
      int commandQueueLength,
      int maxGroups,
      int maxVectorBytes) {
    /**
     * 16 MiB windows: a pull of some blocks is never held up by an acknowledgement, which takes
     * milliseconds where both ends share busy cores. The medium's own windows bound what is under
     * way, and what arrives lies in its final place. 4,096 blocks a batch.
     */
    public static final Limits DEFAULT =
        new Limits(16 << 20, 64, 256, 4096, 256 << 10, 1024, 16, 1 << 20);

    public Limits {
      positive("windowBytes", windowBytes);
      positive("maxPeers", maxPeers);
      positive("maxTransfersPerPeer", maxTransfersPerPeer);
      positive("maxBatchBlocks", maxBatchBlocks);
      positive("bytesPerCycle", bytesPerCycle);
      positive("commandQueueLength", commandQueueLength);
      positive("maxGroups", maxGroups);
      positive("maxVectorBytes", maxVectorBytes);
    }

    private static void positive(String name, int value) {
      if (value < 1) {
        throw new IllegalArgumentException(name + "=" + value + " < 1; give a positive bound");
      }
    }
  }

  /**
   * Durations.
   *
   * @param retransmitNs without progress for this long, the source asks where the receiver stands
   * @param ackDelayNs longest wait of an acknowledgement that no window edge forces
   * @param connectNs longest time without a connection before the peer counts as lost
   * @param peerNs longest silence of a peer with transfers under way
   * @param idleNs an unused connection is closed after this
   * @param lingerNs a finished transfer answers late questions for this long
   * @param bestEffortPatienceNs credit that does not come within this counts as out
   */
  public record Timeouts(
      long retransmitNs,
      long ackDelayNs,
      long connectNs,
      long peerNs,
      long idleNs,
      long lingerNs,
      long bestEffortPatienceNs) {
    /** For one data centre. */
    public static final Timeouts DEFAULT =
        new Timeouts(
            200_000_000L,
            1_000_000L,
            5_000_000_000L,
            5_000_000_000L,
            60_000_000_000L,
            2_000_000_000L,
            1_000_000L);

    public Timeouts {
      positive("retransmitNs", retransmitNs);
      positive("ackDelayNs", ackDelayNs);
      positive("connectNs", connectNs);
      positive("peerNs", peerNs);
      positive("idleNs", idleNs);
      positive("lingerNs", lingerNs);
      if (bestEffortPatienceNs < 0) {
        throw new IllegalArgumentException(
            "bestEffortPatienceNs=" + bestEffortPatienceNs + " < 0; give 0 to never wait");
      }
    }

    private static void positive(String name, long value) {
      if (value < 1) {
        throw new IllegalArgumentException(name + "=" + value + " < 1; give a duration in ns");
      }
    }

    /** All durations times a factor, for tests that must see them pass. */
    public Timeouts scaled(double factor) {
      return new Timeouts(
          scale(retransmitNs, factor),
          scale(ackDelayNs, factor),
          scale(connectNs, factor),
          scale(peerNs, factor),
          scale(idleNs, factor),
          scale(lingerNs, factor),
          (long) (bestEffortPatienceNs * factor));
    }

    private static long scale(long valueNs, double factor) {
      return Math.max(1, (long) (valueNs * factor));
    }
  }

  /**
   * What two nodes must have in common to exchange blocks.
   *
   * @param hashHigh first half of the hash of the shared test vector: proves equal keying
   * @param hashLow second half
   * @param fingerprint opaque to transport, at most 512 bytes; owned by this record
   */
  public record Identity(long hashHigh, long hashLow, byte[] fingerprint) {
    /** Longest fingerprint. */
    public static final int MAX_FINGERPRINT_BYTES = 512;

    /** Agrees with every node that gives none. */
    public static final Identity NONE = new Identity(0, 0, new byte[0]);

    public Identity {
      if (fingerprint.length > MAX_FINGERPRINT_BYTES) {
        throw new IllegalArgumentException(
            "fingerprintBytes="
                + fingerprint.length
                + " > "
                + MAX_FINGERPRINT_BYTES
                + "; give a digest of it");
      }
    }
  }
}
