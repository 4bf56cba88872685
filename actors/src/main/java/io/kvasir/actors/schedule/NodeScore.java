package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.Serving.Route;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which node is predicted to give the first token soonest: what waits there before, what is missing
 * there and is loaded or computed, whichever is faster, and the way there. What is computed counts
 * for others too: it takes memory from what they will ask for, and time from those who wait.
 * Without that a request leaves the node that has its prefix as soon as somebody computes there,
 * and the caches of all nodes end up with the same blocks. Pure.
 */
final class NodeScore {
  /** Times closer than this are equal: then the idler node is taken, to spread. */
  private static final long EQUAL_NS = 1_000_000;

  /** What computing costs others, in terms of its own time: once for time, once for memory. */
  private static final int WORK = 2;

  /**
   * What computing costs where it pushes out blocks, beyond that, in terms of its own time: once,
   * for computing those again. So cold prompts fill every node before any of them evicts, and each
   * node gets as many prefixes as it can hold.
   */
  private static final int EVICTED = 1;

  /**
   * A node that could take the request.
   *
   * @param busy requests running, waiting or on their way to it
   * @param backlogTokens prompt tokens that it computes first, those on their way included
   * @param prefillTokensPerSecond its rate
   * @param placeWaitNs until a place in its batch is free
   * @param roomTokens that it can compute before blocks are pushed out of its cache
   * @param deviceTokens of the prompt, cached on its device or being computed there
   * @param loadTokens of the prompt behind those, that it could load
   * @param loadNs predicted for loading them
   * @param hopNs of asking it
   * @param tieBreak spreads equals
   */
  record Candidate(
      long nodeId,
      String name,
      int busy,
      long backlogTokens,
      double prefillTokensPerSecond,
      long placeWaitNs,
      long roomTokens,
      int deviceTokens,
      int loadTokens,
      long loadNs,
      long hopNs,
      long tieBreak) {}

  /**
   * A candidate with its prediction.
   *
   * @param evictNs of computing again what is pushed out
   * @param computeTokens of the prompt, that it will compute
   */
  record Scored(
      Candidate candidate,
      long queueNs,
      long loadNs,
      long computeNs,
      long evictNs,
      int computeTokens) {
    /** Predicted until the first token. */
    long totalNs() {
      return queueNs + loadNs + computeNs + candidate.hopNs();
    }

    /** What the choice costs this request and others. */
    long costNs() {
      return totalNs() + WORK * computeNs + EVICTED * evictNs;
    }

    Route route(boolean chosen) {
      return new Route(
          candidate.name(),
          queueNs,
          loadNs,
          computeNs,
          totalNs(),
          candidate.deviceTokens(),
          loadNs == 0 ? 0 : candidate.loadTokens(),
          chosen);
    }
  }

  private NodeScore() {}

  /**
   * All candidates, the best first.
   *
   * @param leastLoaded whether only {@code busy} counts
   */
  static List<Scored> rank(List<Candidate> candidates, int promptTokens, boolean leastLoaded) {
    List<Scored> scored = new ArrayList<>(candidates.size());
    for (Candidate candidate : candidates) {
      scored.add(score(candidate, promptTokens));
    }
    Comparator<Scored> soonest =
        leastLoaded
            ? Comparator.comparingInt(s -> s.candidate().busy())
            : Comparator.comparingLong((Scored s) -> s.costNs() / EQUAL_NS)
                .thenComparingInt(s -> s.candidate().busy());
    scored.sort(
        soonest
            .thenComparingLong(s -> s.candidate().tieBreak())
            .thenComparingLong(s -> s.candidate().nodeId()));
    return scored;
  }

  static Scored score(Candidate c, int promptTokens) {
    double nsPerToken = 1e9 / c.prefillTokensPerSecond();
    long queueNs = (long) (c.backlogTokens() * nsPerToken) + c.placeWaitNs();
    // The last token is always run: its logits are the answer's first.
    int missing = Math.max(1, promptTokens - c.deviceTokens());
    int loadable = Math.min(c.loadTokens(), missing - 1);
    boolean loads = loadable > 0 && c.loadNs() < (long) (loadable * nsPerToken);
    int computed = loads ? missing - loadable : missing;
    // What loads push out is not counted: with a tier to load from it can be loaded again.
    long evicted = Math.max(0, Math.min(computed, computed - c.roomTokens()));
    return new Scored(
        c,
        queueNs,
        loads ? Math.max(1, c.loadNs()) : 0,
        (long) (computed * nsPerToken),
        (long) (evicted * nsPerToken),
        computed);
  }
}
