package io.kvasir.actors.cluster;

import java.util.List;
import java.util.function.Consumer;

/** The reachable nodes as this node sees them now. Any thread; never blocks. */
public interface ClusterView {
  /** This node. */
  NodeInfo self();

  /** All reachable nodes that have introduced themselves, this one included, by node id. */
  List<NodeInfo> reachable();

  /**
   * Tells each change of {@link #reachable()}, and the present state at once.
   *
   * @param listener called on an actor's thread; must not block
   * @return ends the subscription
   */
  AutoCloseable subscribe(Consumer<List<NodeInfo>> listener);

  /** The reachable node of this id, or null. */
  default NodeInfo find(long nodeId) {
    for (NodeInfo node : reachable()) {
      if (node.nodeId() == nodeId) {
        return node;
      }
    }
    return null;
  }
}
