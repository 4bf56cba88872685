package io.kvasir.actors.api;

import java.util.List;

/**
 * What a node holds at this moment, for bounds and leaks. Bytes are those of the tier's own memory,
 * for directory and schedule heap.
 *
 * @param node its name
 * @param requests of all its engines
 */
public record NodeMemory(
    String node,
    List<Tier> tiers,
    Table directory,
    Table schedule,
    Sessions sessions,
    Requests requests) {
  public NodeMemory {
    tiers = List.copyOf(tiers);
  }

  /**
   * A tier of a model. That of {@code peer} holds nothing itself: its leases are what this node
   * lends to others.
   *
   * @param tier device, host or peer
   * @param leases of requests and pins; nothing is leased at rest
   * @param leasedBytes that they keep
   * @param inFlight device: calls of tiers without an answer; host: slots being filled; peer:
   *     questions to other nodes without an answer
   */
  public record Tier(
      String tier,
      String model,
      long capacityBytes,
      long usedBytes,
      long blocks,
      int leases,
      long leasedBytes,
      int inFlight) {}

  /** A table of soft state. */
  public record Table(long entries, long bytes) {}

  /** Sessions in this node's memory. */
  public record Sessions(int resident) {}

  /** Requests on the devices. */
  public record Requests(int running, int waiting) {}
}
