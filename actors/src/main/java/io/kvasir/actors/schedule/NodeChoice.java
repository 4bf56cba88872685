package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.schedule.NodeScore.Scored;
import io.kvasir.actors.settings.ScheduleSettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The nodes in view, and which of them a request may go to, the best first. Pure; one thread. */
final class NodeChoice {
  /** A prompt goes by a prefill node only where that is predicted to save this share. */
  private static final double WORTH = 0.9;

  private final ScheduleSettings settings;
  private final LoadBook book;
  private final long selfNodeId;
  private List<NodeInfo> nodes = List.of();

  NodeChoice(ScheduleSettings settings, LoadBook book, long selfNodeId) {
    this.settings = settings;
    this.book = book;
    this.selfNodeId = selfNodeId;
  }

  /** Other nodes are in view now; returns those that are gone, or are another life. */
  List<NodeInfo> see(List<NodeInfo> reachable) {
    List<NodeInfo> before = nodes;
    nodes = List.copyOf(reachable);
    Set<Long> ids = new HashSet<>();
    nodes.forEach(node -> ids.add(node.nodeId()));
    book.keepOnly(ids);
    List<NodeInfo> gone = new ArrayList<>();
    for (NodeInfo node : before) {
      NodeInfo now = find(node.nodeId());
      if (now == null || now.incarnation() != node.incarnation()) {
        gone.add(node);
      }
    }
    return gone;
  }

  List<NodeInfo> nodes() {
    return nodes;
  }

  /** The node in view, or null. */
  NodeInfo find(long nodeId) {
    for (NodeInfo node : nodes) {
      if (node.nodeId() == nodeId) {
        return node;
      }
    }
    return null;
  }

  /**
   * The model as most nodes compute it, or null: an answer stays within one fingerprint, because
   * only there it can go on elsewhere.
   */
  ModelInfo model(String id) {
    Map<String, Integer> votes = new HashMap<>();
    ModelInfo best = null;
    for (NodeInfo node : nodes) {
      ModelInfo model = answers(node) ? LoadBook.model(node, id) : null;
      if (model != null) {
        int count = votes.merge(model.fingerprint(), 1, Integer::sum);
        if (best == null || count > votes.get(best.fingerprint())) {
          best = model;
        }
      }
    }
    return best;
  }

  /** A prefill node computes prompts for decode nodes; every other one with models answers. */
  private static boolean answers(NodeInfo node) {
    return node.generations() != null
        && (!node.roles().contains("prefill") || node.roles().contains("decode"));
  }

  /**
   * Nodes that can take a request; those that failed it only where there is no other.
   *
   * @param again whether it was accepted before: a node that was silent may have come back, one
   *     that refused will refuse again
   */
  List<NodeInfo> able(ModelInfo model, Set<Long> avoided, boolean again) {
    List<NodeInfo> able = new ArrayList<>();
    List<NodeInfo> failed = new ArrayList<>();
    for (NodeInfo node : nodes) {
      if (answers(node) && computes(node, model)) {
        (avoided.contains(node.nodeId()) ? failed : able).add(node);
      }
    }
    return able.isEmpty() && again ? failed : able;
  }

  /** Nodes that compute prompts for others. */
  List<NodeInfo> prefilling(ModelInfo model) {
    List<NodeInfo> able = new ArrayList<>();
    for (NodeInfo node : nodes) {
      if (node.generations() != null && !answers(node) && computes(node, model)) {
        able.add(node);
      }
    }
    return able;
  }

  private boolean computes(NodeInfo node, ModelInfo model) {
    ModelInfo own = LoadBook.model(node, model.id());
    return own != null
        && own.fingerprint().equals(model.fingerprint())
        && !book.draining(node.nodeId(), model.id());
  }

  /** The nodes with their predictions, the best first. */
  List<Scored> rank(RoutedRequest request, List<NodeInfo> able, Holdings holdings) {
    int promptTokens = request.prompt().length;
    LoadBook.Question question =
        new LoadBook.Question(
            request.requestId,
            request.tenant(),
            request.session(),
            request.model.id(),
            promptTokens,
            request.keys,
            holdings,
            request.sources(),
            selfNodeId);
    return NodeScore.rank(book.candidates(able, question), promptTokens, settings.leastLoaded());
  }

  /**
   * Whether a prefill node computes the prompt first, for the decode node to load: only a long cold
   * prompt, and only where the decode node is busy.
   */
  boolean worthPrefilling(ModelInfo model, int promptTokens, Scored decode, Scored prefill) {
    if (model.shape() == null
        || decode.computeTokens() < settings.prefillMinTokens()
        || decode.queueNs() == 0) {
      return false;
    }
    long bytes = model.shape().prefixBytes(promptTokens / model.shape().slots());
    double loadNs = bytes / settings.peerBytesPerSecond() * 1e9;
    // The decode node works off its queue meanwhile.
    double through = Math.max(prefill.totalNs() + loadNs, decode.queueNs()) + settings.hopNs();
    return through < WORTH * decode.totalNs();
  }
}
