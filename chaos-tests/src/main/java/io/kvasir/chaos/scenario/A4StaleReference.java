package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Verdict;
import java.util.List;
import java.util.Map;

/**
 * A reader keeps references to where blocks lay; meanwhile the owner's slots were given to others,
 * and the blocks lie elsewhere.
 */
public final class A4StaleReference implements Scenario<LocalCluster> {
  private static final int SALT = 400;

  @Override
  public String name() {
    return "A4";
  }

  @Override
  public String shows() {
    return "a reference from before a slot was reused is refused, and the answer is computed right";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    LocalNode owner = cluster.node(1);
    LocalNode reader = cluster.node(2);
    Peers.clean(cluster, evidence);
    int[] prompt = LocalModel.prompt(Peers.PROMPT, SALT);
    LocalAnswer computed = Peers.compute(cluster, evidence, owner, reader, prompt);
    LocalAnswer loaded = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, loaded, "over the network");
    int full = Peers.BLOCKS * LocalModel.SLOTS;
    evidence.equal(full, loaded.sources().peer(), "tokens from the other node");
    Map<BlockKey, BlockRef> old = owner.faults().served();

    // Others move in, then the same blocks come back to other places.
    Peers.clean(cluster, evidence);
    Peers.compute(cluster, evidence, owner, reader, LocalModel.prompt(Peers.PROMPT, SALT + 1));
    Peers.compute(cluster, evidence, owner, reader, prompt);
    reader.transport().change(blocks -> blocks.stream().map(block -> aged(block, old)).toList());
    LocalAnswer again = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, again, "with old references");
    List<Verdict> refused =
        reader.transport().seen().stream().flatMap(pull -> pull.failures().stream()).toList();
    evidence.holds(
        !refused.isEmpty()
            && refused.stream().allMatch(new Verdict.Refused(Refusal.STALE_SOURCE)::equals),
        "%d blocks were refused: %s",
        refused.size(),
        refused.stream().distinct().toList());
    evidence.equal(0, again.sources().peer(), "tokens taken from a stale reference");
    evidence.equal(Peers.PROMPT, again.sources().recomputed(), "tokens computed instead");
    Peers.clean(cluster, evidence);
  }

  private static PullBlock aged(PullBlock block, Map<BlockKey, BlockRef> old) {
    return new PullBlock(
        block.key(),
        block.layers(),
        block.encoding(),
        block.destination(),
        old.get(block.key()),
        block.patient());
  }
}
