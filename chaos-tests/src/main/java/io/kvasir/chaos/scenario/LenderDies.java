package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import java.util.concurrent.CompletableFuture;

/**
 * A transfer loses one of its ends in the middle, for good: first the reader dies, then the owner.
 */
public final class LenderDies implements Scenario<LocalCluster> {
  private static final long EXTRA = 5;
  private static final int SALT = 2500;

  @Override
  public String name() {
    return "death in mid-transfer";
  }

  @Override
  public String shows() {
    return "whichever end of a transfer dies, the other one ends it: the answer is right and "
        + "nothing stays lent";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    Peers.clean(cluster, evidence);
    int[] prompt = LocalModel.prompt(Peers.PROMPT, SALT);
    LocalNode owner = cluster.node(1);
    LocalNode reader = cluster.start(EXTRA);
    LocalAnswer computed = Peers.compute(cluster, evidence, owner, reader, prompt);
    CompletableFuture<LocalAnswer> answer = inMidTransfer(cluster, evidence, reader, prompt);
    evidence.holds(owner.held().tier() > 0, "%s is lent by the owner", owner.held());
    reader.vanish();
    cluster.routeTo(owner);
    cluster.forget(reader);
    Peers.right(evidence, computed, Peers.whole(answer), "when the reader died");
    reader.close();
    cluster.awaitRest(evidence);

    LocalNode dying = cluster.start(EXTRA);
    LocalNode survivor = cluster.node(2);
    int[] other = LocalModel.prompt(Peers.PROMPT, SALT + 1);
    computed = Peers.compute(cluster, evidence, dying, survivor, other);
    answer = inMidTransfer(cluster, evidence, survivor, other);
    dying.vanish();
    cluster.forget(dying);
    survivor.transport().pulls().open();
    Peers.right(evidence, computed, Peers.whole(answer), "when the owner died");
    dying.close();
    Peers.clean(cluster, evidence);
  }

  private static CompletableFuture<LocalAnswer> inMidTransfer(
      LocalCluster cluster, Evidence evidence, LocalNode reader, int[] prompt) throws Exception {
    cluster.awaitLinks();
    reader.transport().forget();
    reader.transport().pulls().holdAfter(1);
    cluster.routeTo(reader);
    CompletableFuture<LocalAnswer> answer =
        cluster.gateway().ask(Peers.TENANT, prompt, Peers.TOKENS);
    evidence.await(
        "a part of the blocks has come, and more is on its way",
        () -> reader.transport().pulls().waiting() > 0 && reader.transport().seen().size() == 1);
    return answer;
  }
}
