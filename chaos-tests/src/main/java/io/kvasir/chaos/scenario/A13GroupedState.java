package io.kvasir.chaos.scenario;

import io.kvasir.actors.tier.BlockPlace;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.transport.BlockKey;
import java.time.Duration;
import java.util.List;

/**
 * A model with two layer groups, one of which sees a window only: the owner has lost blocks of that
 * group. Wants a {@link LocalModel#GROUPED} cluster.
 */
public final class A13GroupedState implements Scenario<LocalCluster> {
  private static final int SALT = 1300;
  private static final int WINDOWED = 1;
  private static final int LAST = Peers.BLOCKS - 1;

  @Override
  public String name() {
    return "A13";
  }

  @Override
  public String shows() {
    return "a prefix is served when every layer group has all that a row behind it can see, or not "
        + "at all";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    LocalNode owner = cluster.node(1);
    LocalNode reader = cluster.node(2);
    Peers.clean(cluster, evidence);
    evidence.equal(2, owner.shape().groups().size(), "layer groups");
    evidence.holds(
        owner.shape().firstNeeded(WINDOWED, Peers.BLOCKS) > 0,
        "a row behind the prompt sees blocks %d and later of the windowed group",
        owner.shape().firstNeeded(WINDOWED, Peers.BLOCKS));
    int[] prompt = LocalModel.prompt(Peers.PROMPT, SALT);
    BlockKeys keys = owner.keys(Peers.TENANT, prompt);
    LocalAnswer computed = Peers.compute(cluster, evidence, owner, reader, prompt);
    LocalAnswer whole = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, whole, "with all groups there");
    int slots = LocalModel.SLOTS;
    evidence.equal(Peers.BLOCKS * slots, whole.sources().peer(), "tokens served with all groups");

    // Lent by the directory's word, and gone when it is to be written.
    reader.clear();
    BlockKey last = new BlockKey(keys.high(WINDOWED, LAST), keys.low(WINDOWED, LAST));
    owner.faults().hidden().add(last);
    LocalAnswer refused = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, refused, "with the last windowed block refused");
    evidence.equal(LAST * slots, refused.sources().peer(), "tokens served in mid-transfer");
    owner.faults().hidden().clear();

    reader.clear();
    owner.clearDevice();
    owner.tier().host().evict(windowed(keys, LAST, Peers.BLOCKS), Duration.ZERO);
    LocalAnswer shorter = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, shorter, "with the last windowed block lost");
    evidence.equal(LAST * slots, shorter.sources().peer(), "tokens served up to the loss");

    reader.clear();
    owner.clearDevice();
    owner.tier().host().evict(windowed(keys, 0, Peers.BLOCKS), Duration.ZERO);
    LocalAnswer none = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, none, "with the windowed group lost");
    evidence.equal(0, none.sources().peer(), "tokens served from one group alone");
    evidence.equal(Peers.PROMPT, none.sources().recomputed(), "tokens computed");
    Peers.clean(cluster, evidence);
  }

  private static List<BlockPlace> windowed(BlockKeys keys, int from, int to) {
    return BlockPlace.of(keys, from, to).stream()
        .filter(place -> place.id().group() == WINDOWED)
        .toList();
  }
}
