package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.Answer;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.Question;

/** One JVM computes a prompt, another one is asked the same. */
public final class A1SameKeys implements Scenario<ClusterUnderTest> {
  private static final int SALT = 100;

  @Override
  public String name() {
    return "A1";
  }

  @Override
  public String shows() {
    return "two JVMs name a prompt's blocks alike: every full block that one has computed is a hit "
        + "on the other";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    String first = cluster.computing().getFirst();
    String second = cluster.computing().getLast();
    Nodes.clean(cluster, evidence);
    Question question = Nodes.question(cluster, SALT).tokens(8).explained();
    Answer computed = Nodes.compute(cluster, evidence, question, first);
    Answer served = cluster.api().ask(question.on(second));
    evidence.note("%s", served.explanation().path("loading"));
    Nodes.right(evidence, computed, served, "on " + second);
    evidence.equal(second, served.node(), "node that answered");
    evidence.equal(Nodes.FULL, served.peer(), "tokens of full blocks served from " + first);
    evidence.equal(Nodes.PROMPT - Nodes.FULL, served.computed(), "tokens computed behind them");
    cluster.awaitRest(evidence);
  }
}
