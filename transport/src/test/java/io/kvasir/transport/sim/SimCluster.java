package io.kvasir.transport.sim;

import io.kvasir.transport.TransportConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Simulated nodes over one network and one scheduler. Equal seeds give equal runs: the same events
 * in the same order.
 */
public final class SimCluster {
  /** Bytes of a slot in every node. */
  public static final int SLOT_BYTES = 8 << 10;

  /** Slots of each of a node's two regions. */
  public static final int SLOTS = 64;

  /** Nodes whose memory is kept from run to run, so that a run costs no allocation of memory. */
  private static final int MAX_NODES = 8;

  private static final long CYCLE_NS = 1_000_000L;
  private static final MemorySegment MEMORY =
      Arena.global().allocate(2L * MAX_NODES * SLOTS * SLOT_BYTES, 64);

  /**
   * What the cluster is.
   *
   * @param nodeCount at most 8
   * @param maxFrameBytes longest frame, as if of a small MTU
   * @param sealed whether every frame is encrypted
   */
  public record Shape(int nodeCount, int maxFrameBytes, boolean sealed) {}

  private final SimScheduler scheduler;
  private final SimNetwork network;
  private final List<SimNode> nodes = new ArrayList<>();
  private final TransportConfig.Limits limits;
  private final TransportConfig.Timeouts timeouts;
  private long incarnations;

  /**
   * @param seed of every random choice
   * @param afterEach invariant check after every event
   */
  public SimCluster(
      long seed,
      Shape shape,
      TransportConfig.Limits limits,
      TransportConfig.Timeouts timeouts,
      Runnable afterEach) {
    this.scheduler = new SimScheduler(seed, afterEach);
    this.network = new SimNetwork(scheduler);
    this.limits = limits;
    this.timeouts = timeouts;
    long regionBytes = (long) SLOTS * SLOT_BYTES;
    for (int i = 0; i < shape.nodeCount(); i++) {
      MemorySegment own = MEMORY.asSlice(2L * i * regionBytes, regionBytes);
      MemorySegment places = MEMORY.asSlice((2L * i + 1) * regionBytes, regionBytes);
      places.fill((byte) 0);
      nodes.add(
          new SimNode(
              i,
              scheduler,
              network,
              own,
              places,
              SLOT_BYTES,
              shape.maxFrameBytes(),
              shape.sealed()));
    }
    for (SimNode node : nodes) {
      node.start(newLife(node.index));
      scheduler.schedule(CYCLE_NS, () -> cycle(node));
    }
    reconnect();
  }

  /** All nodes meet all others (again): new connections, as after new invitations. */
  public void reconnect() {
    for (SimNode node : nodes) {
      for (SimNode other : nodes) {
        if (other != node) {
          node.meet(other);
        }
      }
    }
  }

  private TransportConfig newLife(int index) {
    return TransportConfig.of(1_000L + index, ++incarnations * 7_919L).with(limits).with(timeouts);
  }

  private void cycle(SimNode node) {
    node.cycle();
    scheduler.schedule(CYCLE_NS, () -> cycle(node));
  }

  /** Starts a crashed node as another incarnation and lets all nodes meet it. */
  public void restart(int index) {
    SimNode node = nodes.get(index);
    node.start(newLife(index));
    for (SimNode other : nodes) {
      if (other != node && other.alive()) {
        node.meet(other);
        other.meet(node);
      }
    }
  }

  /** Ends all network faults. */
  public void heal() {
    for (int from = 0; from < nodes.size(); from++) {
      for (int to = 0; to < nodes.size(); to++) {
        network.faults(from, to, SimFaults.NONE);
      }
    }
  }

  /** The nodes. */
  public List<SimNode> nodes() {
    return nodes;
  }

  /** A node. */
  public SimNode node(int index) {
    return nodes.get(index);
  }

  /** The scheduler. */
  public SimScheduler scheduler() {
    return scheduler;
  }

  /** The network. */
  public SimNetwork network() {
    return network;
  }
}
