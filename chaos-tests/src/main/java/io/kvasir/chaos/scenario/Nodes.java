package io.kvasir.chaos.scenario;

import io.kvasir.actors.api.NodeMemory;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.cluster.Answer;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.Question;
import java.io.IOException;

/** What scenarios with real JVMs have in common. */
final class Nodes {
  /** Full blocks of a prompt, and a token behind them. */
  static final int BLOCKS = 16;

  static final int FULL = BLOCKS * ClusterUnderTest.SLOTS;
  static final int PROMPT = FULL + 1;

  private Nodes() {}

  /** A prompt of its own for each salt. */
  static Question question(ClusterUnderTest cluster, int salt) {
    return cluster.question(PROMPT, salt);
  }

  /** Nobody holds any block, and the directory knows it. */
  static void clean(ClusterUnderTest cluster, Evidence evidence) throws Exception {
    cluster.awaitWhole(evidence);
    cluster.clearAll(evidence);
    evidence.await("the directory has forgotten all", () -> directoryIsEmpty(cluster));
  }

  /** Whether no copy of the directory names any block. */
  static boolean directoryIsEmpty(ClusterUnderTest cluster)
      throws IOException, InterruptedException {
    for (String node : cluster.nodes()) {
      if (cluster.memory(node).directory().entries() > 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Lets a node compute a prompt on a {@link #clean} cluster, and waits until its blocks are in its
   * host tier and two copies of the directory name them.
   */
  static Answer compute(ClusterUnderTest cluster, Evidence evidence, Question question, String node)
      throws Exception {
    Answer answer = cluster.api().ask(question.on(node));
    evidence.equal(answer.promptTokens(), answer.computed(), "tokens computed by " + node);
    long blocks = BLOCKS;
    evidence.await(
        Evidence.PATIENCE,
        () -> "the prompt lies in the host tier of " + node + " and the directory knows",
        () -> blocks(cluster, node, "host") >= blocks && directories(cluster, blocks) >= 2);
    return answer;
  }

  /** Blocks in a node's tier. */
  static long blocks(ClusterUnderTest cluster, String node, String tier)
      throws IOException, InterruptedException {
    return cluster.memory(node).tiers().stream()
        .filter(one -> one.tier().equals(tier))
        .mapToLong(NodeMemory.Tier::blocks)
        .sum();
  }

  private static int directories(ClusterUnderTest cluster, long entries)
      throws IOException, InterruptedException {
    int copies = 0;
    for (String node : cluster.nodes()) {
      copies += cluster.memory(node).directory().entries() >= entries ? 1 : 0;
    }
    return copies;
  }

  /** Says where an answer's prompt came from, and that its text is the expected one. */
  static void right(Evidence evidence, Answer expected, Answer actual, String when) {
    evidence.holds(
        expected.texts().equals(actual.texts()),
        "%s: the same text, prompt from %s",
        when,
        actual.sources());
  }
}
