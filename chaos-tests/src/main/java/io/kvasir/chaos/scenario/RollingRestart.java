package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.SteadyLoad;

/** Node after node is told to end, as a new version would be rolled out, while clients ask. */
public final class RollingRestart implements Scenario<ClusterUnderTest> {
  private static final int SALT = 2000;
  private static final int PROMPTS = 6;
  private static final int CLIENTS = 2;
  private static final int TOKENS = 40;

  @Override
  public String name() {
    return "rolling restart";
  }

  @Override
  public String shows() {
    return "every node that computes is restarted by SIGTERM under load, and no client sees an "
        + "error or another text";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    Nodes.clean(cluster, evidence);
    String[] texts = new String[PROMPTS];
    for (int i = 0; i < PROMPTS; i++) {
      texts[i] = cluster.api().ask(Nodes.question(cluster, SALT + i).tokens(TOKENS)).text();
    }
    SteadyLoad load =
        new SteadyLoad(
            cluster.api(),
            CLIENTS,
            number -> Nodes.question(cluster, SALT + number % PROMPTS).tokens(TOKENS));
    try (load) {
      for (String node : cluster.computing()) {
        int lives = cluster.lives(node);
        int answered = load.count();
        cluster.restart(node);
        evidence.await(
            Evidence.PATIENCE,
            () -> "a new life of " + node + "\n" + String.join("\n", cluster.lines()),
            () -> cluster.lives(node) > lives);
        evidence.note(
            "%s is back after %.1f s", node, cluster.awaitWhole(evidence).toMillis() / 1e3);
        evidence.await("answers go on", () -> load.count() > answered + PROMPTS);
      }
    }
    evidence.holds(load.errors().isEmpty(), "no client saw an error: %s", load.errors());
    evidence.holds(
        load.samples().stream()
            .allMatch(one -> one.answer().text().equals(texts[one.number() % PROMPTS])),
        "all %d answers are right",
        load.count());
    cluster.awaitRest(evidence);
  }
}
