package io.kvasir.chaos.scenario;

import io.kvasir.actors.api.NodeMemory;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.SteadyLoad;
import java.util.HashMap;
import java.util.Map;

/** Prompts and sessions that never come again, many times what the tables of the router hold. */
public final class A11BoundedRouter implements Scenario<ClusterUnderTest> {
  private static final int SALT = 1_000_000;
  private static final int CLIENTS = 3;

  /** Requests, nodes and their models, beside sessions. */
  private static final int OTHERS = 64;

  private static final long SAMPLE_NS = 250_000_000;

  @Override
  public String name() {
    return "A11";
  }

  @Override
  public String shows() {
    return "over a long run of new prompts and sessions the memory of router, directory and "
        + "sessions stays within its bounds";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    Nodes.clean(cluster, evidence);
    // Twice what the tables of sessions hold; at full length also twice what a directory copy does.
    int blocks = 1;
    int least = 2 * ClusterUnderTest.MAX_SESSIONS;
    if (scale.repeats() > Scale.EVERYDAY.repeats()) {
      blocks = Nodes.BLOCKS;
      least = Math.max(least, 2 * ClusterUnderTest.MAX_DIRECTORY_ENTRIES / blocks);
    }
    int tokens = blocks * ClusterUnderTest.SLOTS + 1;
    int start = (int) (System.nanoTime() & 0xfffff);
    Map<String, NodeMemory> half = new HashMap<>();
    Map<String, NodeMemory> last = new HashMap<>();
    long startNs = System.nanoTime();
    int asked;
    try (SteadyLoad load =
        new SteadyLoad(
            cluster.api(),
            CLIENTS,
            number ->
                cluster
                    .question(tokens, SALT + start + number)
                    .session("a11-" + start + "-" + number))) {
      long nextNs = startNs;
      long fullNs = 0;
      while (load.count() < least || System.nanoTime() - startNs < scale.length().toNanos()) {
        long due = nextNs;
        evidence.await(
            scale.length().plus(Evidence.PATIENCE),
            () -> "the next look",
            () -> System.nanoTime() - due >= 0);
        nextNs = System.nanoTime() + SAMPLE_NS;
        for (String node : cluster.nodes()) {
          NodeMemory memory = cluster.memory(node);
          bounded(evidence, memory);
          last.put(node, memory);
          if (fullNs == 0) {
            half.put(node, memory);
          }
        }
        fullNs = load.count() >= least / 2 && fullNs == 0 ? System.nanoTime() : fullNs;
        if (!load.errors().isEmpty()) {
          evidence.holds(false, "no client saw an error: %s", load.errors());
        }
      }
      asked = load.count();
    }
    evidence.note(
        "%d prompts of %d blocks, each in a session of its own, in %.1f s",
        asked, blocks, (System.nanoTime() - startNs) / 1e9);
    for (String node : cluster.nodes()) {
      evidence.note("%s, tables filled: %s", node, tables(half.get(node)));
      evidence.note("%s, at the end:    %s", node, tables(last.get(node)));
    }
    cluster.awaitRest(evidence);
    Nodes.clean(cluster, evidence);
  }

  private static String tables(NodeMemory memory) {
    return "%s, schedule %s, %s"
        .formatted(memory.directory(), memory.schedule(), memory.sessions());
  }

  private static void bounded(Evidence evidence, NodeMemory memory) {
    boolean bounded =
        memory.directory().entries() <= ClusterUnderTest.MAX_DIRECTORY_ENTRIES
            && memory.sessions().resident() <= ClusterUnderTest.MAX_SESSIONS
            && memory.schedule().entries()
                <= ClusterUnderTest.MAX_SESSIONS + ClusterUnderTest.MAX_PREFIXES + OTHERS;
    if (!bounded) {
      evidence.holds(false, "%s is within its bounds: %s", memory.node(), tables(memory));
    }
  }
}
