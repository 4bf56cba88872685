package io.kvasir.actors.directory;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.kvasir.actors.cluster.ClusterMessage;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * What a node's part of the directory understands. Arrays are read-only once sent. Keys travel as
 * high and low halves in turn, with the layer group folded into the high half.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "t")
@JsonSubTypes({
  @JsonSubTypes.Type(value = DirectoryMessage.Announce.class, name = "announce"),
  @JsonSubTypes.Type(value = DirectoryMessage.Announced.class, name = "announced"),
  @JsonSubTypes.Type(value = DirectoryMessage.Resync.class, name = "resync"),
  @JsonSubTypes.Type(value = DirectoryMessage.Widen.class, name = "widen"),
  @JsonSubTypes.Type(value = DirectoryMessage.Lookup.class, name = "lookup"),
  @JsonSubTypes.Type(value = DirectoryMessage.Found.class, name = "found")
})
public sealed interface DirectoryMessage extends ClusterMessage {
  /** Keys of one message, so that none is larger than 64 KiB. */
  int MAX_KEYS = 2048;

  /** An absent array. */
  long[] NO_KEYS = new long[0];

  /**
   * A slice of what an owner announces to one copy, in the order of {@code seq}. The first slice of
   * a stream begins a snapshot; until its last slice is there, what the copy knew stays valid.
   *
   * @param nodeId the owner
   * @param incarnation its life
   * @param stream higher with each snapshot of this life
   * @param seq from 0 in each stream
   * @param end whether the snapshot is complete with this slice
   * @param clearedTiers in a stream's first slice: tiers of which nothing counts any more
   * @param view the set of copies for which everything has been sent, or 0
   * @param tiers by key: bits of the tiers that hold it, 0 = none any more
   * @param replyTo the owner's part of the directory
   */
  record Announce(
      long nodeId,
      long incarnation,
      long stream,
      long seq,
      boolean end,
      int clearedTiers,
      long view,
      long[] keys,
      byte[] tiers,
      ActorRef<DirectoryMessage> replyTo)
      implements DirectoryMessage {
    private static final byte[] NO_TIERS = new byte[0];

    public Announce {
      keys = keys == null ? NO_KEYS : keys;
      tiers = tiers == null ? NO_TIERS : tiers;
    }

    /** Whether every key has its tiers and there are not too many. */
    boolean isWellFormed() {
      return keys.length == 2 * tiers.length && tiers.length <= MAX_KEYS && seq >= 0;
    }
  }

  /**
   * A copy has applied slices.
   *
   * @param nodeId the copy
   * @param incarnation its life
   * @param next first sequence number that it lacks
   */
  record Announced(long nodeId, long incarnation, long stream, long next)
      implements DirectoryMessage {}

  /** A copy cannot follow this stream: it needs a snapshot. */
  record Resync(long nodeId, long incarnation, long stream) implements DirectoryMessage {}

  /** Roots are asked for so much that they shall have {@code copies} copies for a while. */
  record Widen(long nodeId, int copies, long[] roots) implements DirectoryMessage {
    public Widen {
      roots = roots == null ? NO_KEYS : roots;
    }
  }

  /**
   * Who holds these keys?
   *
   * @param id of the asker
   * @param part of the lookup, as long chains are asked in parts
   * @param view the set of copies the asker sees
   * @param root that places the chain
   */
  record Lookup(
      long id, int part, long view, long root, long[] keys, ActorRef<DirectoryMessage> replyTo)
      implements DirectoryMessage {
    public Lookup {
      keys = keys == null ? NO_KEYS : keys;
    }

    /** Whether it asks for whole keys, and not too many. */
    boolean isWellFormed() {
      return replyTo != null && keys.length % 2 == 0 && keys.length <= 2 * MAX_KEYS;
    }
  }

  /**
   * What a copy knows.
   *
   * @param nodeId the copy
   * @param complete whether it has heard all owners out, for the view asked with
   * @param copies of this root; 0 = as many as any
   */
  record Found(long id, int part, long nodeId, boolean complete, int copies, List<Held> held)
      implements DirectoryMessage {
    public Found {
      held = held == null ? List.of() : List.copyOf(held);
    }
  }

  /**
   * Keys that one tier of one node holds.
   *
   * @param tier 0 device, 1 host, 2 disk
   * @param places bit set of places in the lookup
   */
  record Held(long nodeId, long incarnation, int tier, long[] places) {
    public Held {
      places = places == null ? NO_KEYS : places;
    }
  }
}
