package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.tier.MissReason;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who answered a request that may have several prompts, each on another node. */
final class RequestServing {
  private RequestServing() {}

  /** Counts add up; nodes are all named. */
  static Serving of(List<Generation> generations) {
    if (generations.size() == 1) {
      return generations.getFirst().serving();
    }
    Set<String> nodes = new LinkedHashSet<>();
    int attempts = 0;
    int replayed = 0;
    Map<MissReason, Integer> misses = new EnumMap<>(MissReason.class);
    List<String> explained = new ArrayList<>();
    List<Serving.Route> routes = new ArrayList<>();
    for (Generation generation : generations) {
      Serving one = generation.serving();
      if (!one.node().isEmpty()) {
        nodes.add(one.node());
      }
      attempts += one.attempts();
      replayed += one.replayedTokens();
      one.misses().forEach((why, tokens) -> misses.merge(why, tokens, Integer::sum));
      explained.addAll(one.explained());
      routes.addAll(one.routes());
    }
    return new Serving(String.join(",", nodes), attempts, replayed, misses, explained, routes);
  }
}
