package io.kvasir.actors.tier;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.kvasir.actors.cluster.ClusterMessage;
import io.kvasir.runtime.blocks.BlockId;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * What a node's host tier understands. Blocks themselves never travel in messages: a borrower is
 * told where they lie and reads them through the transport.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = TierMessage.Find.class, name = "find"),
  @JsonSubTypes.Type(value = TierMessage.Found.class, name = "found"),
  @JsonSubTypes.Type(value = TierMessage.Borrow.class, name = "borrow"),
  @JsonSubTypes.Type(value = TierMessage.Lent.class, name = "lent"),
  @JsonSubTypes.Type(value = TierMessage.Declined.class, name = "declined"),
  @JsonSubTypes.Type(value = TierMessage.Return.class, name = "return"),
  @JsonSubTypes.Type(value = TierMessage.Take.class, name = "take"),
  @JsonSubTypes.Type(value = TierMessage.Forget.class, name = "forget"),
  @JsonSubTypes.Type(value = TierMessage.Demote.class, name = "demote")
})
public interface TierMessage extends ClusterMessage {
  /** An absent array. */
  int[] NONE = new int[0];

  /** Travels between nodes. */
  sealed interface Wire extends TierMessage permits Request, Reply, Return, Demote {}

  /** Goes to the tier of one domain. */
  sealed interface Addressed extends TierMessage permits Request, Return, Demote {
    /** What the blocks mean; a tier of another domain declines. */
    String domain();
  }

  /** Asks for exactly one {@link Reply} of the same id. */
  sealed interface Request extends Wire, Addressed {
    long id();

    Lives lives();

    Chain chain();

    ActorRef<TierMessage> replyTo();
  }

  /** Answers a request. */
  sealed interface Reply extends Wire {
    long id();
  }

  /**
   * Sender and receiver.
   *
   * @param from node that speaks
   * @param fromIncarnation its life
   * @param to node spoken to
   * @param toIncarnation its life, as the sender knows it
   */
  record Lives(long from, long fromIncarnation, long to, long toIncarnation) {
    Lives turned() {
      return new Lives(to, toIncarnation, from, fromIncarnation);
    }
  }

  /**
   * Blocks of one chain.
   *
   * @param rootHigh key of the first block of group 0
   * @param groups of each block
   * @param indexes of each block: its place in the chain
   * @param keys high and low half of each block's key in turn
   */
  record Chain(long rootHigh, long rootLow, int[] groups, int[] indexes, long[] keys) {
    static Chain of(List<BlockPlace> places) {
      int count = places.size();
      int[] groups = new int[count];
      int[] indexes = new int[count];
      long[] keys = new long[2 * count];
      for (int i = 0; i < count; i++) {
        groups[i] = places.get(i).id().group();
        indexes[i] = places.get(i).index();
        keys[2 * i] = places.get(i).id().high();
        keys[2 * i + 1] = places.get(i).id().low();
      }
      BlockId root = places.getFirst().root();
      return new Chain(root.high(), root.low(), groups, indexes, keys);
    }

    int count() {
      return groups.length;
    }

    /**
     * The blocks.
     *
     * @param groupCount groups of the model
     * @return null where the arrays do not fit together or name a group that is not there
     */
    List<BlockPlace> places(int groupCount) {
      if (groups == null || indexes == null || keys == null) {
        return null;
      }
      if (indexes.length != groups.length || keys.length != 2 * groups.length) {
        return null;
      }
      BlockId root = new BlockId(0, rootHigh, rootLow);
      List<BlockPlace> places = new ArrayList<>(groups.length);
      for (int i = 0; i < groups.length; i++) {
        if (groups[i] < 0 || groups[i] >= groupCount || indexes[i] < 0) {
          return null;
        }
        places.add(
            new BlockPlace(new BlockId(groups[i], keys[2 * i], keys[2 * i + 1]), root, indexes[i]));
      }
      return places;
    }
  }

  /** Asks which of the blocks are there; answered by {@link Found}. */
  record Find(long id, Lives lives, String domain, Chain chain, ActorRef<TierMessage> replyTo)
      implements Request {}

  /**
   * Asks to lend blocks; answered by {@link Lent} or {@link Declined}.
   *
   * @param ttlMs how long the borrower wants them
   */
  record Borrow(
      long id, Lives lives, String domain, Chain chain, long ttlMs, ActorRef<TierMessage> replyTo)
      implements Request {}

  /**
   * Offers blocks that the receiver may borrow and keep; answered by {@link Found}: which it holds
   * then.
   *
   * @param ttlMs how long it may take
   */
  record Take(
      long id, Lives lives, String domain, Chain chain, long ttlMs, ActorRef<TierMessage> replyTo)
      implements Request {}

  /** Asks to drop blocks; answered by {@link Found}: which it holds no more. */
  record Forget(long id, Lives lives, String domain, Chain chain, ActorRef<TierMessage> replyTo)
      implements Request {}

  /**
   * Nobody will want these blocks soon: they stay in the host tier, and are the first that the
   * device gives up. Not answered.
   */
  record Demote(Lives lives, String domain, Chain chain) implements Wire, Addressed {}

  /** Which of the blocks, as bits by their place in the request. */
  record Found(long id, long[] bits) implements Reply {
    static Found of(long id, BitSet found) {
      return new Found(id, found.toLongArray());
    }

    BitSet set() {
      return bits == null ? new BitSet() : BitSet.valueOf(bits);
    }
  }

  /**
   * Blocks may be read until the lease ends.
   *
   * @param lives of lender and borrower
   * @param lease what {@link Return} names; 0 when nothing is lent
   * @param ttlMs from the lender's sending
   * @param regions where each block lies, −1 if it is not lent
   * @param slots in the region
   * @param generations of the slots
   * @param checksums of each lent block one a layer, made when it was sealed; 4 bytes each, big
   *     endian, one behind the other
   */
  record Lent(
      long id,
      Lives lives,
      long lease,
      long ttlMs,
      int[] regions,
      int[] slots,
      int[] generations,
      byte[] checksums)
      implements Reply {
    public Lent {
      // Missing arrays fit no request.
      regions = regions == null ? NONE : regions;
      slots = slots == null ? NONE : slots;
      generations = generations == null ? NONE : generations;
      checksums = checksums == null ? new byte[0] : checksums;
    }
  }

  /** The request is not done; to the asker a miss. */
  record Declined(long id, Reason reason) implements Reply {}

  /**
   * Ends a lease early.
   *
   * @param broken blocks, by their place in the request, that did not arrive with their checksum
   */
  record Return(Lives lives, String domain, long lease, int[] broken) implements Wire, Addressed {}

  /** Why a request is declined. */
  enum Reason {
    /** As many borrowers as may be are being served. */
    BUSY,
    /** The request is for another life of this node. */
    OTHER_LIFE,
    /** The cluster view here does not show the asker in this life. */
    STRANGER,
    /** The blocks mean something else here. */
    OTHER_DOMAIN,
    /** The request is malformed or too long. */
    MALFORMED,
    /** The tier is closing. */
    CLOSED
  }
}
