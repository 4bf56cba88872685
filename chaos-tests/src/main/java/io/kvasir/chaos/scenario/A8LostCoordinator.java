package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.SteadyLoad;
import io.kvasir.chaos.cluster.SteadyLoad.Sample;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Under load the node dies that holds directory copies and the coordinator of the sessions. */
public final class A8LostCoordinator implements Scenario<ClusterUnderTest> {
  private static final int SALT = 800;
  private static final int PROMPTS = 6;
  private static final int CLIENTS = 2;
  private static final double ENOUGH = 0.9;
  private static final int WINDOW_ANSWERS = 2 * PROMPTS;
  private static final String LOOKUPS = "kvasir_directory_lookups_total";
  private static final String LATE = "kvasir_directory_lookups_late_total";
  private static final Duration LIMIT = Duration.ofSeconds(30);

  @Override
  public String name() {
    return "A8";
  }

  @Override
  public String shows() {
    return "a node with directory copies and the shard coordinator is killed under load: lookups go"
        + " on, no client sees an error, and 90 % of prompt tokens are hits again within 30"
        + " s";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    Nodes.clean(cluster, evidence);
    String victim = cluster.coordinator();
    try (SteadyLoad load =
        new SteadyLoad(
            cluster.api(),
            CLIENTS,
            number -> {
              int which = number % PROMPTS;
              return Nodes.question(cluster, SALT + which).tokens(4).session("a8-" + which);
            })) {
      evidence.await(
          Evidence.PATIENCE,
          () -> "a warm cache: %.2f of %s".formatted(lately(load, 0), load.errors()),
          () -> load.count() > 3 * PROMPTS && lately(load, 0) >= ENOUGH);
      long entries = cluster.memory(victim).directory().entries();
      evidence.holds(
          entries > 0, "%s coordinates the shards and holds %d directory entries", victim, entries);
      evidence.note("before: %d answers, hit rate %.3f of late", load.count(), lately(load, 0));
      int lives = cluster.lives(victim);
      int answered = load.count();
      Map<String, Double> metrics = cluster.metrics(cluster.gateway());
      cluster.kill(victim);
      long killedNs = System.nanoTime();
      Duration back =
          evidence.await(
              scale.within(LIMIT),
              () -> "a hit rate of 0.9, but %.3f".formatted(lately(load, answered)),
              () -> load.count() >= answered + WINDOW_ANSWERS && lately(load, answered) >= ENOUGH);
      evidence.note(
          "after: the last %d of %d answers hit %.3f, %.1f s after the kill",
          WINDOW_ANSWERS, load.count() - answered, lately(load, answered), back.toMillis() / 1e3);
      List<Sample> since = load.samples(killedNs, System.nanoTime());
      evidence.note(
          "slowest answer since: %.1f s",
          since.stream().mapToLong(one -> one.endNs() - one.startNs()).max().orElse(0) / 1e9);
      lookedUp(evidence, metrics, cluster.metrics(cluster.gateway()));
      evidence.await("the launcher starts " + victim, () -> cluster.lives(victim) > lives);
      cluster.awaitWhole(evidence);
      evidence.holds(load.errors().isEmpty(), "no client saw an error: %s", load.errors());
    }
    cluster.awaitRest(evidence);
  }

  private static void lookedUp(
      Evidence evidence, Map<String, Double> before, Map<String, Double> after) {
    double all = after.get(LOOKUPS) - before.get(LOOKUPS);
    double late = after.get(LATE) - before.get(LATE);
    evidence.holds(
        all > 0 && late < all / 2,
        "the gateway's directory was asked %.0f times meanwhile, %.0f answers were late",
        all,
        late);
  }

  /** Hit rate of the latest answers, of those behind the first {@code skipped}. */
  private static double lately(SteadyLoad load, int skipped) {
    List<Sample> all = load.samples();
    int from = Math.max(skipped, all.size() - WINDOW_ANSWERS);
    return from >= all.size() ? 0 : SteadyLoad.hitRate(all.subList(from, all.size()));
  }
}
