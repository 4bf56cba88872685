package io.kvasir.chaos.scenario;

import io.kvasir.actors.tier.TierMessage;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.FaultyTransport.Pull;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import io.kvasir.runtime.blocks.BlockKeys;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * A node that computed a prompt dies while another one reads it, and comes back at the same address
 * under the same id before the reader has noticed.
 */
public final class A5RestartMidTransfer implements Scenario<LocalCluster> {
  private static final long PREFILL = 3;
  private static final int SALT = 500;

  @Override
  public String name() {
    return "A5";
  }

  @Override
  public String shows() {
    return "a node that restarts at its address in mid-transfer is a stranger: what was promised by"
        + " its old life is refused, and the answer is right";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    LocalNode reader = cluster.node(2);
    Peers.clean(cluster, evidence);
    LocalNode first = cluster.start(PREFILL);
    LocalNode second = null;
    try {
      int[] prompt = LocalModel.prompt(Peers.PROMPT, SALT);
      LocalAnswer computed = Peers.compute(cluster, evidence, first, reader, prompt);
      cluster.awaitLinks();
      reader.transport().forget();
      reader.transport().pulls().holdAfter(1);
      cluster.routeTo(reader);
      CompletableFuture<LocalAnswer> answer =
          cluster.gateway().ask(Peers.TENANT, prompt, Peers.TOKENS);
      evidence.await(
          "a part of the blocks has come, and more is on its way",
          () -> reader.transport().pulls().waiting() > 0 && reader.transport().seen().size() == 1);
      long oldLife = first.info().incarnation();
      int port = first.port();
      first.vanish();
      second = cluster.start(PREFILL, port);
      evidence.note(
          "node %d died between two parts of a transfer and is back at port %d", PREFILL, port);
      reader.transport().pulls().open();
      LocalAnswer after = Peers.whole(answer);
      Peers.right(evidence, computed, after, "after the restart");
      List<Pull> pulls = reader.transport().seen();
      evidence.holds(
          pulls.stream().skip(1).allMatch(pull -> pull.failures().size() == pull.blocks().size()),
          "nothing was read of the new life with references of the old one: %s",
          pulls.stream().skip(1).map(pull -> pull.result().verdicts()).toList());
      evidence.holds(
          after.sources().recomputed() > Peers.PROMPT - Peers.BLOCKS * LocalModel.SLOTS,
          "%d tokens were computed instead",
          after.sources().recomputed());
      declines(evidence, reader, second, oldLife, prompt);
      cluster.awaitRest(evidence);
    } finally {
      reader.transport().pulls().open();
      if (second != null) {
        second.close();
      }
      cluster.forget(first);
      first.close();
    }
    Peers.clean(cluster, evidence);
  }

  private static void declines(
      Evidence evidence, LocalNode reader, LocalNode owner, long oldLife, int[] prompt)
      throws Exception {
    BlockKeys keys = owner.keys(Peers.TENANT, prompt);
    TierMessage.Chain chain =
        new TierMessage.Chain(
            keys.root().high(),
            keys.root().low(),
            new int[] {0},
            new int[] {0},
            new long[] {keys.high(0, 0), keys.low(0, 0)});
    TierMessage.Lives lives =
        new TierMessage.Lives(reader.id(), reader.info().incarnation(), owner.id(), oldLife);
    TierMessage reply =
        AskPattern.ask(
                owner.info().tier(),
                (ActorRef<TierMessage> replyTo) ->
                    new TierMessage.Borrow(
                        1, lives, owner.shape().domainDigest(), chain, 1000, replyTo),
                Evidence.PATIENCE,
                reader.system().scheduler())
            .toCompletableFuture()
            .get(Evidence.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    evidence.equal(
        new TierMessage.Declined(1, TierMessage.Reason.OTHER_LIFE),
        reply,
        "what the new life answers to a request for the old one");
  }
}
