package io.kvasir.transport;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Moves blocks between this node's registered memory and that of its peers. One per node; made by
 * {@link Transports}. Any thread may call unless a method says otherwise; calls hand a command to
 * the agent over a bounded queue and never block. When the queue is full the verdict is {@link
 * Refusal#BUSY}.
 *
 * <p>Peers: each side calls {@link #invite}, hands the invitation (and keys, where frames leave the
 * host) to the other over its own authenticated channel, and calls {@link #connect} with the
 * other's. Connections open with the first transfer and close when idle.
 */
public interface BlockTransport extends AutoCloseable {
  /** This node. */
  long nodeId();

  /** This life of the node. */
  long incarnation();

  /**
   * Registers native memory of a shared arena. It stays the caller's, who closes the region before
   * the memory is freed.
   *
   * @param slotBytes length of a slot; the memory is a multiple of it
   */
  Region register(MemorySegment memory, int slotBytes);

  /**
   * The same with the generations of its slots in memory of the caller's; see {@link Region}.
   *
   * @param generations four bytes a slot, living as long as the region
   */
  Region register(MemorySegment memory, int slotBytes, MemorySegment generations);

  /**
   * An invitation for a peer, which replaces an earlier one for it.
   *
   * @throws IllegalStateException if {@code maxPeers} invitations are out
   */
  Invitation invite(long peerNodeId);

  /**
   * Accepts a peer's invitation; from here transfers can name it. Replaces an earlier connection
   * with the node, whose transfers end as peer lost.
   *
   * @param keys secrets, or null for plain frames; equal choice on both sides
   * @return completes on the agent, or exceptionally if this node did not invite the peer, the
   *     media do not meet, or the {@link Transports.Encryption} chosen needs keys
   */
  CompletableFuture<PeerStatus> connect(Invitation invitation, LinkKeys keys);

  /** First half of a rotation: what the peer sends under these keys can be opened. */
  CompletableFuture<Void> installKeys(long peerNodeId, LinkKeys next);

  /** Second half, after the peer installed them: what is sent from here is sealed with them. */
  CompletableFuture<Void> activateKeys(long peerNodeId, LinkKeys next);

  /** Forgets a peer; open transfers end as peer lost. */
  CompletableFuture<Void> disconnect(long peerNodeId);

  /** State of a peer, or null; completes on the agent. */
  CompletableFuture<PeerStatus> status(long peerNodeId);

  /**
   * Sends blocks to a peer, which chooses their places ({@link BlockSink}).
   *
   * @param deadline from now
   */
  Transfer push(
      long peerNodeId, List<PushBlock> blocks, DeliveryClass deliveryClass, Duration deadline);

  /**
   * Fetches blocks of a peer ({@link BlockSource}) into own slots.
   *
   * @param deadline from now
   * @param listener hears each block's verdict on the agent before the whole ends, or null
   */
  Transfer pull(
      long peerNodeId, List<PullBlock> blocks, Duration deadline, VerdictListener listener);

  /**
   * Says that this node's {@link BlockSource} may know keys that pulls of a peer wait for ({@link
   * PullBlock#patient}); they are looked up again. Without it they are when the peer repeats its
   * pull.
   */
  void lookAgain(long peerNodeId);

  /**
   * Says that a peer is about to ask for something: an agent that rests because nothing has
   * happened for long looks at once, and often for a while. Without it the first frame after a long
   * silence may wait for some milliseconds. Never blocks, costs little.
   */
  void attend();

  /** Joins a collective group whose other members are connected peers. */
  CollectiveGroup join(GroupSpec spec);

  /** Everything counted. */
  TransportCounters counters();

  /** Region leases held now. */
  long leaseCount();

  /**
   * One agent cycle, for a transport that the caller drives; only from one thread at a time.
   *
   * @return work done
   * @throws IllegalStateException if the transport has its own agent thread
   */
  int doWork();

  /** Ends every transfer as {@link Refusal#CLOSED}, closes all connections and the medium. */
  @Override
  void close();

  /** Hears verdicts one by one. */
  @FunctionalInterface
  interface VerdictListener {
    /** Called on the agent; must not block. */
    void onVerdict(int blockIndex, Verdict verdict);
  }
}
