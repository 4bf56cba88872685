package io.kvasir.actors.link;

import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.Region;
import io.kvasir.transport.shared.PeerMemory;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** The ways to other nodes' blocks. Any thread; nothing blocks. */
public interface Links {
  /** This node's transport. */
  BlockTransport transport();

  /**
   * Makes sure that transfers can name the node, in the life that the cluster view shows.
   *
   * @param deadline from now
   * @return whether the link stands; never fails
   */
  CompletionStage<Boolean> ready(long nodeId, Duration deadline);

  /** The link to a node as it is now, or null if there is none. */
  LinkStatus status(long nodeId);

  /** All links that stand. */
  List<LinkStatus> all();

  /** Tells what a transfer measured, so that {@link #status} can say how fast the link is. */
  void measured(long nodeId, long bytes, long durationNs);

  /**
   * Tells that transfers to a node end as lost: the link is made anew, with new invitations and
   * secrets.
   */
  void lost(long nodeId);

  /**
   * Memory of blocks, known to the transport; where that is possible peers on this host may read
   * it. Blocks while it is taken from the system.
   *
   * @param arena owns the memory; closed after the region
   * @param bytes a multiple of {@code slotBytes}
   * @throws OutOfMemoryError if the system grants no more
   */
  Region region(Arena arena, long bytes, int slotBytes);

  /**
   * The memory of a peer that this process may read itself, or null: the peer is on another host,
   * shares nothing, or no link to that life of it stands.
   */
  PeerMemory memory(long nodeId, long incarnation);

  /**
   * Serves a source's blocks to peers; the first source that knows a key answers.
   *
   * @return ends that
   */
  Runnable serve(BlockSource source);
}
