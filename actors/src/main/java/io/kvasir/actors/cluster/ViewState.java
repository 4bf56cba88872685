package io.kvasir.actors.cluster;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The rule of the view: a node is in it while the cluster counts its life as a member, nobody finds
 * it unreachable, and it has introduced itself. Pure; for one thread.
 */
final class ViewState {
  /** A life of a member: another one at the same address has another uid. */
  record Life(String address, long uid) {}

  private record Introduced(NodeInfo node, long sequence) {}

  private final int maxNodes;
  private final Set<Life> members = new HashSet<>();
  private final Set<Life> unreachable = new HashSet<>();
  private final Map<Life, Introduced> introduced = new HashMap<>();

  ViewState(int maxNodes) {
    this.maxNodes = maxNodes;
  }

  /** Takes part from now on. */
  void joined(Life life) {
    members.add(life);
    // Another life at the address is over, whether the cluster has said so yet or not.
    forget(other -> other.address().equals(life.address()) && other.uid() != life.uid());
  }

  /** No longer takes part. */
  void left(Life life) {
    forget(life::equals);
  }

  private void forget(java.util.function.Predicate<Life> which) {
    members.removeIf(which);
    unreachable.removeIf(which);
    introduced.keySet().removeIf(which);
  }

  void unreachable(Life life) {
    unreachable.add(life);
  }

  void reachable(Life life) {
    unreachable.remove(life);
  }

  /**
   * Takes what a node says of itself; older news than what is known changes nothing.
   *
   * @return whether it is kept: false when the view is full
   */
  boolean introduced(Life life, NodeInfo node, long sequence) {
    Introduced known = introduced.get(life);
    if (known == null && introduced.size() >= maxNodes) {
      // Who has introduced itself before it became a member may wait; strangers may not pile up.
      introduced.keySet().removeIf(other -> !members.contains(other));
      if (introduced.size() >= maxNodes) {
        return false;
      }
    }
    if (known == null || known.sequence() < sequence) {
      introduced.put(life, new Introduced(node, sequence));
    }
    return true;
  }

  /** The view, by node id; of two nodes with one id the one with the lower address. */
  List<NodeInfo> nodes() {
    List<NodeInfo> nodes = new ArrayList<>();
    introduced.forEach(
        (life, known) -> {
          if (members.contains(life) && !unreachable.contains(life)) {
            nodes.add(known.node());
          }
        });
    nodes.sort(Comparator.comparingLong(NodeInfo::nodeId).thenComparing(NodeInfo::address));
    for (int i = nodes.size() - 1; i > 0; i--) {
      if (nodes.get(i).nodeId() == nodes.get(i - 1).nodeId()) {
        nodes.remove(i);
      }
    }
    return List.copyOf(nodes);
  }

  /** Addresses of nodes that are left out because another one has their id. */
  List<String> doubles() {
    Set<String> shown = new HashSet<>();
    nodes().forEach(node -> shown.add(node.address()));
    List<String> left = new ArrayList<>();
    introduced.forEach(
        (life, known) -> {
          if (members.contains(life)
              && !unreachable.contains(life)
              && !shown.contains(known.node().address())) {
            left.add(known.node().address());
          }
        });
    return left;
  }
}
