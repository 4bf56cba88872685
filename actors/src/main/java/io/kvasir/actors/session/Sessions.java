package io.kvasir.actors.session;

import io.kvasir.actors.tier.TierMessage;
import io.kvasir.runtime.blocks.BlockKeys;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Sessions of the whole cluster. Any thread; never blocks. */
public interface Sessions {
  /**
   * Where a session was served last.
   *
   * @param tenant name of the authenticated tenant; its sessions are its own
   * @param sessionId as the client names it
   * @param deadline from now; what is not known by then is none
   * @return never fails; none also where the node of the last use is not alive any more
   */
  CompletionStage<Optional<Hint>> hint(String tenant, String sessionId, Duration deadline);

  /** Notes a use; may be lost, which costs a hint. */
  void record(String tenant, String sessionId, Use use);

  /**
   * A request that was served.
   *
   * @param nodeId node that computed it
   * @param incarnation its life
   * @param rootHigh key of the chain's root
   * @param blockCount full blocks of prompt and answer
   * @param tail the last of these blocks; null = not known
   */
  record Use(
      long nodeId,
      long incarnation,
      long rootHigh,
      long rootLow,
      int blockCount,
      int promptTokens,
      int generatedTokens,
      Tail tail) {
    /** The same without its tail, for those who only want to know where. */
    Use place() {
      return new Use(
          nodeId, incarnation, rootHigh, rootLow, blockCount, promptTokens, generatedTokens, null);
    }
  }

  /**
   * The last blocks of a chain: what a session has to itself, more than the first ones, which
   * others may begin with too. Bounded, since every session keeps one.
   *
   * @param domain what the blocks mean
   * @param groups layer groups of the model
   * @param first place of the first of them in the chain
   * @param keys high and low half of each block's key in turn, those of one place by group
   */
  record Tail(String domain, int groups, int first, long[] keys) {
    /** Most blocks of a tail, all groups together. */
    static final int MAX_BLOCKS = 128;

    /** The tail of a chain that has at least one full block. */
    public static Tail of(String domain, BlockKeys chain) {
      int groups = chain.groupCount();
      int first = Math.max(0, chain.blockCount() - Math.max(1, MAX_BLOCKS / groups));
      long[] keys = new long[2 * groups * (chain.blockCount() - first)];
      int at = 0;
      for (int block = first; block < chain.blockCount(); block++) {
        for (int group = 0; group < groups; group++) {
          keys[at++] = chain.high(group, block);
          keys[at++] = chain.low(group, block);
        }
      }
      return new Tail(domain, groups, first, keys);
    }

    /** As tiers name blocks to each other. */
    public TierMessage.Chain chain(long rootHigh, long rootLow) {
      int count = keys.length / 2;
      int[] of = new int[count];
      int[] indexes = new int[count];
      for (int i = 0; i < count; i++) {
        of[i] = i % Math.max(1, groups);
        indexes[i] = first + i / Math.max(1, groups);
      }
      return new TierMessage.Chain(rootHigh, rootLow, of, indexes, keys);
    }
  }

  /**
   * What is known of a session.
   *
   * @param last use
   * @param requests so far
   * @param idle time since the last use
   */
  record Hint(Use last, long requests, Duration idle) {}
}
