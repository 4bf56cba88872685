package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.Answer;
import io.kvasir.chaos.cluster.ApiClient;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.Question;

/** Two tenants ask the same, wherever the blocks of the first may lie. */
public final class A14Tenants implements Scenario<ClusterUnderTest> {
  private static final int SALT = 1400;

  @Override
  public String name() {
    return "A14";
  }

  @Override
  public String shows() {
    return "of two tenants with one prompt neither is served from the other's blocks, on device, "
        + "host or another node; each is from its own";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    String first = cluster.computing().getFirst();
    String second = cluster.computing().getLast();
    ApiClient left = cluster.api(ClusterUnderTest.LEFT);
    ApiClient right = cluster.api(ClusterUnderTest.RIGHT);
    Nodes.clean(cluster, evidence);
    Question question = Nodes.question(cluster, SALT).tokens(4);
    Answer computed = Nodes.compute(cluster, evidence, question, first);

    // The stranger must be asked before it has blocks of its own there: each tier once.
    Answer device = right.ask(question.on(first));
    stranger(evidence, computed, device, "device of " + first);
    Nodes.clean(cluster, evidence);
    Nodes.compute(cluster, evidence, question, first);
    cluster.clear(first, "device");
    Answer host = right.ask(question.on(first));
    stranger(evidence, computed, host, "host tier of " + first);
    Nodes.clean(cluster, evidence);
    Nodes.compute(cluster, evidence, question, first);
    Answer peer = right.ask(question.on(second));
    stranger(evidence, computed, peer, "blocks of " + first + " for " + second);

    Answer own = left.ask(question.on(second).explained());
    evidence.note("%s", own.explanation().path("loading"));
    Nodes.right(evidence, computed, own, "the first tenant on " + second);
    evidence.equal(Nodes.FULL, own.peer(), "tokens of its own from another node");
    own = left.ask(question.on(first));
    evidence.equal(Nodes.FULL, own.device(), "tokens of its own from the device");
    cluster.clear(first, "device");
    own = left.ask(question.on(first).from("host").explained());
    evidence.note("%s", own.explanation().path("loading"));
    Nodes.right(evidence, computed, own, "the first tenant on " + first);
    evidence.equal(Nodes.FULL, own.host(), "tokens of its own from the host tier");
    cluster.awaitRest(evidence);
  }

  private static void stranger(Evidence evidence, Answer computed, Answer answer, String where) {
    Nodes.right(evidence, computed, answer, "the second tenant");
    evidence.equal(0, answer.hit(), "tokens that the second tenant got from the " + where);
  }
}
