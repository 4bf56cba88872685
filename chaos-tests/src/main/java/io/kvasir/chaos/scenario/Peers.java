package io.kvasir.chaos.scenario;

import io.kvasir.actors.directory.DirectoryService;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.tier.BlockPlace;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import io.kvasir.runtime.blocks.BlockKeys;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What scenarios with two nodes of one JVM have in common: one computes, the other reads. */
final class Peers {
  static final String TENANT = "tenant";

  /** Full blocks of a prompt, and tokens behind them. */
  static final int BLOCKS = 10;

  static final int PROMPT = BLOCKS * LocalModel.SLOTS + 5;

  /** Tokens of an answer. */
  static final int TOKENS = 12;

  private static final Duration LOOKUP = Duration.ofSeconds(10);

  private Peers() {}

  /** A whole answer of one node. */
  static LocalAnswer ask(LocalCluster cluster, LocalNode node, int[] prompt) throws Exception {
    cluster.routeTo(node);
    return whole(cluster.gateway().ask(TENANT, prompt, TOKENS));
  }

  static LocalAnswer whole(CompletableFuture<LocalAnswer> answer) throws Exception {
    return answer.get(2 * Evidence.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /**
   * Lets a node compute a prompt and waits until it lies in its host tier and another node and the
   * gateway, which tells nodes what it found, can find it there.
   */
  static LocalAnswer compute(
      LocalCluster cluster, Evidence evidence, LocalNode owner, LocalNode reader, int[] prompt)
      throws Exception {
    LocalAnswer answer = ask(cluster, owner, prompt);
    awaitFound(evidence, owner, reader, prompt);
    BlockKeys keys = owner.keys(TENANT, prompt);
    evidence.await(
        "the gateway finds the prompt on node " + owner.id(),
        () -> finds(cluster.gateway().directory(), owner, keys));
    return answer;
  }

  /** Waits until a node has a prompt in its host tier and another node can find it there. */
  static void awaitFound(Evidence evidence, LocalNode owner, LocalNode reader, int[] prompt)
      throws InterruptedException {
    BlockKeys keys = owner.keys(TENANT, prompt);
    List<BlockPlace> places = BlockPlace.of(keys, 0, keys.blockCount());
    evidence.await(
        "the host tier of node " + owner.id() + " holds the prompt",
        () -> owner.tier().host().find(places).cardinality() == places.size());
    evidence.await(
        "node " + reader.id() + " finds the prompt on node " + owner.id(),
        () -> finds(reader.directory(), owner, keys));
  }

  private static boolean finds(DirectoryService asked, LocalNode owner, BlockKeys keys) {
    return asked.directory().lookup(keys, LOOKUP).toCompletableFuture().join().holders().stream()
        .anyMatch(holder -> holdsAll(holder, owner, keys));
  }

  private static boolean holdsAll(Holdings.Holder holder, LocalNode owner, BlockKeys keys) {
    return holder.nodeId() == owner.id()
        && holder.incarnation() == owner.info().incarnation()
        && holder.prefixBlocks(owner.shape()) == keys.blockCount();
  }

  /** Nobody has any block, and no seam is held. */
  static void clean(LocalCluster cluster, Evidence evidence) throws InterruptedException {
    for (LocalNode node : cluster.nodes()) {
      node.faults().clear();
      node.transport().pulls().open();
      node.transport().forget();
    }
    cluster.awaitRest(evidence);
    cluster.nodes().forEach(LocalNode::clear);
  }

  /** Says where an answer's prompt came from, and that its tokens are those of the first one. */
  static void right(Evidence evidence, LocalAnswer expected, LocalAnswer actual, String when) {
    evidence.holds(
        expected.tokens().equals(actual.tokens()),
        "%s: the same %d tokens, prompt from %s",
        when,
        actual.tokens().size(),
        actual.sources());
  }
}
