package io.kvasir.transport;

/** What a transfer may wait for. */
public enum DeliveryClass {
  /** A hand-off: waits for credit and connection until its deadline. */
  REQUIRES_DELIVERY,
  /**
   * A cache copy: a block that finds no credit when its turn comes is dropped with {@link
   * Refusal#NO_CREDIT} instead of waiting. Credit that one acknowledgement round trip brings does
   * not count as out (see {@link TransportConfig#bestEffortPatienceNs}).
   */
  BEST_EFFORT
}
