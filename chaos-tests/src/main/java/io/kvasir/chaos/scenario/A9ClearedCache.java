package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.Answer;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.Question;
import java.time.Duration;

/** An idle node drops what it has cached; its router must not go on believing in it. */
public final class A9ClearedCache implements Scenario<ClusterUnderTest> {
  private static final int SALT = 900;
  private static final Duration ALLOWED = Duration.ofSeconds(1);

  @Override
  public String name() {
    return "A9";
  }

  @Override
  public String shows() {
    return "a node that clears its cache while idle has no credit with the router 1 s later";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    String owner = cluster.computing().getFirst();
    Nodes.clean(cluster, evidence);
    Question question = Nodes.question(cluster, SALT);
    Answer computed = Nodes.compute(cluster, evidence, question, owner);
    Answer before = cluster.api().ask(question.explained());
    evidence.equal(Nodes.FULL, before.credit(owner), "tokens of credit of " + owner + " before");
    cluster.awaitRest(evidence);
    // Asking has left a copy where the router sent it.
    for (String node : cluster.computing()) {
      evidence.note("%s cleared: %s", node, cluster.clear(node, "device,host"));
    }
    long clearedNs = System.nanoTime();
    Duration forgotten =
        evidence.await(
            scale.within(ALLOWED),
            () -> "the directory has forgotten what was cleared",
            () -> Nodes.directoryIsEmpty(cluster));
    evidence.note("the directory had forgotten it after %d ms at most", forgotten.toMillis());
    evidence.await(
        Evidence.PATIENCE,
        () -> "one second",
        () -> System.nanoTime() - clearedNs >= ALLOWED.toNanos());
    Answer after = cluster.api().ask(question.explained());
    for (String node : after.considered()) {
      evidence.equal(0, after.credit(node), "tokens of credit of " + node + " 1 s later");
    }
    evidence.equal(after.promptTokens(), after.computed(), "tokens computed anew");
    Nodes.right(evidence, computed, after, "after the clear");
    cluster.awaitRest(evidence);
  }
}
