package io.kvasir.actors.gpu;

import io.kvasir.actors.tier.MissReason;
import java.util.List;
import java.util.Map;

/**
 * Who computed an answer and what is told of its way there, beside the engine's own accounting.
 *
 * @param node name of the node that ended it; empty where there is but one
 * @param attempts nodes that were asked to compute it, the last one included
 * @param replayedTokens prompt and answer tokens that a later attempt had to place again
 * @param misses tokens of full blocks that were computed, by reason
 * @param explained one sentence a decision, if the order asked for them
 * @param routes what each node was predicted to need, the chosen one first, if the order asked
 */
public record Serving(
    String node,
    int attempts,
    int replayedTokens,
    Map<MissReason, Integer> misses,
    List<String> explained,
    List<Route> routes) {
  /** A device of this node, without tiers. */
  public static final Serving HERE = new Serving("", 1, 0, Map.of(), List.of(), List.of());

  public Serving {
    misses = misses == null ? Map.of() : Map.copyOf(misses);
    explained = explained == null ? List.of() : List.copyOf(explained);
    routes = routes == null ? List.of() : List.copyOf(routes);
  }

  /**
   * A node as it was predicted for one order; times until the first token.
   *
   * @param deviceTokens of the prompt, cached on its device
   * @param loadTokens that it would load from a tier or a peer
   * @param totalNs of the parts, and the fixed cost of asking it
   */
  public record Route(
      String node,
      long queueNs,
      long loadNs,
      long computeNs,
      long totalNs,
      int deviceTokens,
      int loadTokens,
      boolean chosen) {}
}
