package io.kvasir.chaos.scenario;

import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.tier.BlockFetcher;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.actors.tier.MissReason;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * A request is interrupted at each place between lookup, load and compute: its client leaves, its
 * memory is wanted by another request, or a reply comes when nobody waits for it any more. Wants
 * nodes with little device memory, and pins that live for a few seconds.
 */
public final class A3Leases implements Scenario<LocalCluster> {
  private static final int SALT = 300;
  private static final Duration SHORT = Duration.ofMillis(400);

  @Override
  public String name() {
    return "A3";
  }

  @Override
  public String shows() {
    return "a request that is interrupted between lookup, load and compute leaves no lease behind "
        + "its deadline";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    Peers.clean(cluster, evidence);
    LocalNode owner = cluster.node(1);
    LocalNode reader = cluster.node(2);
    int[] prompt = LocalModel.prompt(Peers.PROMPT, SALT);
    LocalAnswer computed = Peers.compute(cluster, evidence, owner, reader, prompt);
    clientLeavesBetweenLookupAndLoad(cluster, evidence, reader, prompt);
    memoryIsTakenBetweenLoadAndCompute(cluster, evidence, reader, prompt, computed);
    pinsEndByTheirOwnDeadline(cluster, evidence, reader, prompt, computed);
    replyIsLate(cluster, evidence, reader, prompt, computed);
    Peers.clean(cluster, evidence);
  }

  private static void clientLeavesBetweenLookupAndLoad(
      LocalCluster cluster, Evidence evidence, LocalNode reader, int[] prompt) throws Exception {
    reader.clear();
    reader.faults().lookups().holdAfter(0);
    cluster.routeTo(reader);
    Directions there = new Directions(reader.info().name(), Directions.NONE.sources());
    CompletableFuture<LocalAnswer> answer =
        cluster.gateway().ask(Peers.TENANT, prompt, Peers.TOKENS, SHORT, there);
    evidence.await(
        "the node looks up who has the prompt", () -> reader.faults().lookups().waiting() > 0);
    boolean gone = false;
    try {
      answer.get(Evidence.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException refused) {
      gone = true;
      evidence.note("the client left after %s: %s", SHORT, refused.getCause().getMessage());
    }
    evidence.holds(gone, "nobody was answered while the lookup stood still");
    reader.faults().lookups().open();
    cluster.awaitRest(evidence);
  }

  private static void memoryIsTakenBetweenLoadAndCompute(
      LocalCluster cluster, Evidence evidence, LocalNode reader, int[] prompt, LocalAnswer computed)
      throws Exception {
    reader.clear();
    reader.faults().loaded().holdAfter(0);
    cluster.routeTo(reader);
    CompletableFuture<LocalAnswer> answer =
        cluster.gateway().ask(Peers.TENANT, prompt, Peers.TOKENS);
    evidence.await("the blocks are loaded", () -> reader.faults().loaded().waiting() == 1);
    int before = reader.engineStats().blocks().pins();
    evidence.holds(before > 0, "%d pins keep what was loaded", before);
    // Whoever comes now passes, and fills the device.
    int most = reader.info().models().getFirst().maxContextTokens() - 2 * Peers.TOKENS;
    reader.faults().loaded().admitNewcomers();
    LocalAnswer large =
        Peers.whole(
            cluster.gateway().ask(Peers.TENANT, LocalModel.prompt(most, SALT + 1), Peers.TOKENS));
    evidence.holds(
        reader.engineStats().blocks().pins() < before,
        "a request of %d tokens was answered from memory that pins gave way: %d are left",
        large.usage().promptTokens(),
        reader.engineStats().blocks().pins());
    reader.faults().loaded().open();
    Peers.right(evidence, computed, Peers.whole(answer), "after its blocks were taken");
    cluster.awaitRest(evidence);
  }

  private static void pinsEndByTheirOwnDeadline(
      LocalCluster cluster, Evidence evidence, LocalNode reader, int[] prompt, LocalAnswer computed)
      throws Exception {
    reader.clear();
    reader.faults().loaded().holdAfter(0);
    cluster.routeTo(reader);
    CompletableFuture<LocalAnswer> answer =
        cluster.gateway().ask(Peers.TENANT, prompt, Peers.TOKENS);
    evidence.await("the blocks are loaded", () -> reader.faults().loaded().waiting() == 1);
    Duration held =
        evidence.await(
            Evidence.PATIENCE,
            () -> "the pins end, but " + reader.held(),
            () -> reader.held().nothing());
    evidence.note(
        "nobody came for the blocks: every pin ended by itself after %.1f s",
        held.toMillis() / 1e3);
    reader.faults().loaded().open();
    Peers.right(evidence, computed, Peers.whole(answer), "with pins that have ended");
    cluster.awaitRest(evidence);
  }

  private static void replyIsLate(
      LocalCluster cluster, Evidence evidence, LocalNode reader, int[] prompt, LocalAnswer computed)
      throws Exception {
    reader.clear();
    reader.faults().borrows().holdAfter(0);
    Fetched fetched =
        reader
            .tier()
            .fetcher()
            .fetch(
                new BlockFetcher.Order(
                    SALT, prompt.length, reader.keys(Peers.TENANT, prompt), SHORT))
            .toCompletableFuture()
            .get(Evidence.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    fetched.pins().forEach(pin -> pin.close());
    evidence.equal(
        Map.of(MissReason.LOAD_FAILED, Peers.BLOCKS * LocalModel.SLOTS),
        fetched.misses(),
        "what a fetch without a reply in time has loaded");
    evidence.holds(
        reader.faults().borrows().waiting() > 0, "the question had not even arrived by then");
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    reader.tier().meters().bindTo(meters);
    FunctionCounter late = meters.get("kvasir.tier_late_replies").functionCounter();
    double before = late.count();
    reader.faults().borrows().open();
    evidence.await("the owner's reply, for nobody", () -> late.count() > before);
    evidence.note("the reply came late, and what it lent was given back");
    cluster.awaitRest(evidence);
    Peers.right(evidence, computed, Peers.ask(cluster, reader, prompt), "after the late reply");
    cluster.awaitRest(evidence);
  }
}
