package io.kvasir.chaos.scenario;

import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A node that has announced many blocks comes back without them, under its id and at its address;
 * its announcements are numbered from 0 again.
 */
public final class A10RestartedNumbering implements Scenario<LocalCluster> {
  private static final long RESTARTED = 4;
  private static final int SALT = 1000;
  private static final int PROMPTS = 4;
  private static final Duration LOOKUP = Duration.ofSeconds(10);

  @Override
  public String name() {
    return "A10";
  }

  @Override
  public String shows() {
    return "when a node restarts and numbers from 0, what its former life announced is dropped and "
        + "what its new life announces is believed";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    LocalNode reader = cluster.node(2);
    Peers.clean(cluster, evidence);
    LocalNode first = cluster.start(RESTARTED);
    LocalNode second = null;
    try {
      List<int[]> prompts = new ArrayList<>();
      List<LocalAnswer> computed = new ArrayList<>();
      for (int i = 0; i < PROMPTS; i++) {
        prompts.add(LocalModel.prompt(Peers.PROMPT, SALT + i));
        computed.add(Peers.compute(cluster, evidence, first, reader, prompts.get(i)));
      }
      long oldLife = first.info().incarnation();
      int port = first.port();
      first.vanish();
      second = cluster.start(RESTARTED, port);
      LocalAnswer last = Peers.compute(cluster, evidence, second, reader, prompts.getLast());
      Peers.right(evidence, computed.getLast(), last, "computed by the new life");
      evidence.equal(0, last.usage().deviceHitTokens(), "tokens that the new life had");
      for (int i = 0; i < PROMPTS - 1; i++) {
        Holdings holdings =
            reader
                .directory()
                .directory()
                .lookup(reader.keys(Peers.TENANT, prompts.get(i)), LOOKUP)
                .toCompletableFuture()
                .get();
        evidence.holds(
            !holdings.late()
                && holdings.holders().stream().noneMatch(one -> one.nodeId() == RESTARTED),
            "the directory names nobody's former life for prompt %d: %s",
            i,
            holdings.holders());
        LocalAnswer answer = Peers.ask(cluster, second, prompts.get(i));
        Peers.right(evidence, computed.get(i), answer, "prompt " + i + " on the new life");
        Serving.Route route = answer.serving().routes().getFirst();
        evidence.holds(
            route.deviceTokens() == 0 && route.loadTokens() == 0,
            "the router gave %s no credit for prompt %d",
            route.node(),
            i);
      }
      evidence.holds(second.info().incarnation() != oldLife, "both lives had the id %d", RESTARTED);
      LocalAnswer loaded = Peers.ask(cluster, reader, prompts.getLast());
      Peers.right(evidence, computed.getLast(), loaded, "announced by the new life");
      evidence.equal(
          Peers.BLOCKS * LocalModel.SLOTS, loaded.sources().peer(), "tokens read of the new life");
      cluster.awaitRest(evidence);
    } finally {
      if (second != null) {
        second.close();
      }
      cluster.forget(first);
      first.close();
    }
    Peers.clean(cluster, evidence);
  }
}
