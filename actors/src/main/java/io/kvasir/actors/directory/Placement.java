package io.kvasir.actors.directory;

import java.util.Arrays;
import java.util.Map;

/**
 * Which nodes keep a chain: those with the highest hash of (root, node), so that a node that comes
 * or goes moves only what it keeps. A root that is asked for much has more copies. Immutable; any
 * thread.
 */
final class Placement {
  static final Placement NOWHERE = new Placement(new long[0], 0, Map.of());

  private final long[] nodeIds;
  private final long[] nodeHashes;
  private final int copies;
  private final Map<Long, Integer> hot;
  private final long view;

  /**
   * @param nodeIds that keep copies
   * @param copies of an ordinary root
   * @param hot copies of roots that have more
   */
  Placement(long[] nodeIds, int copies, Map<Long, Integer> hot) {
    this.nodeIds = nodeIds.clone();
    Arrays.sort(this.nodeIds);
    this.copies = copies;
    this.hot = Map.copyOf(hot);
    nodeHashes = new long[nodeIds.length];
    long digest = nodeIds.length;
    for (int i = 0; i < nodeIds.length; i++) {
      nodeHashes[i] = Mix.mix64(this.nodeIds[i]);
      digest = Mix.mix64(digest ^ this.nodeIds[i]);
    }
    view = digest == 0 ? 1 : digest;
  }

  /** The same for equal sets of nodes; never 0. */
  long view() {
    return view;
  }

  Map<Long, Integer> hot() {
    return hot;
  }

  /** Copies of a root, as far as there are nodes. */
  int copies(long root) {
    int wanted = hot.isEmpty() ? copies : Math.max(copies, hot.getOrDefault(root, copies));
    return Math.min(wanted, nodeIds.length);
  }

  /** Ids of the nodes that keep a root, first choice first. */
  long[] places(long root) {
    return places(root, copies(root));
  }

  /** Ids of the first {@code count} nodes for a root. */
  long[] places(long root, int count) {
    int n = Math.min(count, nodeIds.length);
    long[] chosen = new long[n];
    long[] weights = new long[n];
    int filled = 0;
    for (int i = 0; i < nodeIds.length; i++) {
      long weight = Mix.mix64(root ^ nodeHashes[i]);
      int at = filled;
      while (at > 0 && before(weight, nodeIds[i], weights[at - 1], chosen[at - 1])) {
        at--;
      }
      if (at < n) {
        int moved = Math.min(filled, n - 1) - at;
        System.arraycopy(chosen, at, chosen, at + 1, moved);
        System.arraycopy(weights, at, weights, at + 1, moved);
        chosen[at] = nodeIds[i];
        weights[at] = weight;
        filled = Math.min(filled + 1, n);
      }
    }
    return chosen;
  }

  /** Whether a node keeps a root. */
  boolean keeps(long nodeId, long root) {
    int own = Arrays.binarySearch(nodeIds, nodeId);
    if (own < 0) {
      return false;
    }
    int wanted = copies(root);
    long weight = Mix.mix64(root ^ nodeHashes[own]);
    int better = 0;
    for (int i = 0; i < nodeIds.length && better < wanted; i++) {
      if (before(Mix.mix64(root ^ nodeHashes[i]), nodeIds[i], weight, nodeId)) {
        better++;
      }
    }
    return better < wanted;
  }

  private static boolean before(long weight, long id, long otherWeight, long otherId) {
    return weight != otherWeight ? Long.compareUnsigned(weight, otherWeight) > 0 : id < otherId;
  }
}
