package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.FaultyTransport.Pull;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Verdict;
import java.time.Duration;

/** An owner has lent k blocks and finds, when it is to write them, that it cannot write one. */
public final class A6WriteThatCannotStart implements Scenario<LocalCluster> {
  private static final int SALT = 600;
  private static final int MISSING = 6;

  /** The reader would wait for 20 s if nobody told it. */
  private static final Duration AT_ONCE = Duration.ofSeconds(2);

  @Override
  public String name() {
    return "A6";
  }

  @Override
  public String shows() {
    return "when one of k writes cannot start the receiver is told at once, keeps the others, and "
        + "computes from there";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    LocalNode owner = cluster.node(1);
    LocalNode reader = cluster.node(2);
    Peers.clean(cluster, evidence);
    int[] prompt = LocalModel.prompt(Peers.PROMPT, SALT);
    LocalAnswer computed = Peers.compute(cluster, evidence, owner, reader, prompt);
    BlockKeys keys = owner.keys(Peers.TENANT, prompt);
    BlockKey missing = new BlockKey(keys.high(0, MISSING), keys.low(0, MISSING));
    owner.faults().hidden().add(missing);
    LocalAnswer answer = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, answer, "with one block missing");
    Pull broken =
        reader.transport().seen().stream()
            .filter(pull -> !pull.failures().isEmpty())
            .findFirst()
            .orElseThrow();
    evidence.equal(
        new Verdict.Refused(Refusal.NOT_FOUND), broken.failures().getFirst(), "the verdict");
    Duration took = Duration.ofNanos(broken.result().durationNs());
    evidence.holds(
        took.compareTo(AT_ONCE) < 0,
        "the receiver knew after %.1f ms, its deadline was 20 s",
        took.toNanos() / 1e6);
    evidence.equal(MISSING * LocalModel.SLOTS, answer.sources().peer(), "tokens before the gap");
    Peers.clean(cluster, evidence);
  }
}
