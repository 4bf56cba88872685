package io.kvasir.actors.tier;

import io.kvasir.actors.link.Links;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.TierMessage.Borrow;
import io.kvasir.actors.tier.TierMessage.Chain;
import io.kvasir.actors.tier.TierMessage.Find;
import io.kvasir.actors.tier.TierMessage.Forget;
import io.kvasir.actors.tier.TierMessage.Found;
import io.kvasir.actors.tier.TierMessage.Lent;
import io.kvasir.actors.tier.TierMessage.Lives;
import io.kvasir.actors.tier.TierMessage.Reply;
import io.kvasir.actors.tier.TierMessage.Request;
import io.kvasir.actors.tier.TierMessage.Take;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.LayerRange;
import io.kvasir.transport.shared.PeerMemory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * The host tier of another node in one of its lives. Blocks come from it by borrowing: it says
 * where they lie, the transport reads them straight into slots of this node's host tier, and the
 * loan is given back. Any thread.
 */
public final class PeerTier implements BlockTier {
  /**
   * What a fetch brought.
   *
   * @param present by place in the call: which of the blocks the host tier holds now
   * @param gone of the others those that the peer does not hold, or would not lend
   * @param bytes read
   * @param durationNs from the first message to the last byte
   */
  record Fetch(BitSet present, BitSet gone, long bytes, long durationNs) {
    static Fetch none(BitSet gone) {
      return new Fetch(new BitSet(), gone, 0, 0);
    }
  }

  /** What peer tiers of one node share. */
  record Node(
      HostTier host,
      Links links,
      PeerCalls calls,
      ActorRef<TierMessage> self,
      TierSettings settings,
      Executor executor,
      LongSupplier clock) {}

  private final Node node;
  private final long nodeId;
  private final long incarnation;

  PeerTier(Node node, long nodeId, long incarnation) {
    this.node = node;
    this.nodeId = nodeId;
    this.incarnation = incarnation;
  }

  @Override
  public Residence residence() {
    return Residence.PEER;
  }

  @Override
  public BlockShape shape() {
    return node.host().shape();
  }

  /** Whether blocks are copied out of the peer's memory, not pulled over a link. */
  boolean copies() {
    return node.links().memory(nodeId, incarnation) != null;
  }

  private Lives lives() {
    return new Lives(
        node.links().transport().nodeId(),
        node.links().transport().incarnation(),
        nodeId,
        incarnation);
  }

  private CompletableFuture<Reply> ask(LongFunction<Request> request, Duration deadline) {
    return node.calls().ask(nodeId, request, deadline);
  }

  /** Asks in slices that fit a message; bits of all slices together. */
  private CompletableFuture<BitSet> askBits(
      List<BlockPlace> blocks, BiFunction<Long, Chain, Request> request, Duration deadline) {
    BitSet all = new BitSet(blocks.size());
    List<CompletableFuture<?>> slices = new ArrayList<>();
    int batch = node.settings().batchBlocks();
    for (int from = 0; from < blocks.size(); from += batch) {
      int start = from;
      Chain chain = Chain.of(blocks.subList(from, Math.min(blocks.size(), from + batch)));
      slices.add(
          ask(id -> request.apply(id, chain), deadline)
              .thenAccept(
                  reply -> {
                    if (reply instanceof Found found) {
                      synchronized (all) {
                        found.set().stream()
                            .filter(i -> i < chain.count())
                            .forEach(i -> all.set(start + i));
                      }
                    }
                  }));
    }
    return CompletableFuture.allOf(slices.toArray(CompletableFuture[]::new)).thenApply(done -> all);
  }

  @Override
  public CompletionStage<BitSet> lookup(List<BlockPlace> blocks, Duration deadline) {
    return askBits(
        blocks,
        (id, chain) -> new Find(id, lives(), shape().domainDigest(), chain, node.self()),
        deadline);
  }

  @Override
  public CompletionStage<BitSet> evict(List<BlockPlace> blocks, Duration deadline) {
    return askBits(
        blocks,
        (id, chain) -> new Forget(id, lives(), shape().domainDigest(), chain, node.self()),
        deadline);
  }

  /** A loan as a lease. */
  private final class PeerLease implements TierLease {
    private final BitSet pinned = new BitSet();
    private final List<Lent> loans = new ArrayList<>();
    private boolean closed;

    @Override
    public BitSet pinned() {
      return (BitSet) pinned.clone();
    }

    @Override
    public void close() {
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
      }
      loans.forEach(loan -> node.calls().giveBack(loan));
    }
  }

  @Override
  public CompletionStage<TierLease> pin(List<BlockPlace> blocks, long ownerId, Duration ttl) {
    PeerLease lease = new PeerLease();
    List<CompletableFuture<?>> slices = new ArrayList<>();
    int batch = sliceBlocks();
    for (int from = 0; from < blocks.size(); from += batch) {
      int start = from;
      List<BlockPlace> slice = blocks.subList(from, Math.min(blocks.size(), from + batch));
      slices.add(
          borrow(slice, ttl, ttl)
              .thenAccept(
                  reply -> {
                    if (reply instanceof Lent lent && fits(lent, slice)) {
                      synchronized (lease) {
                        lease.loans.add(lent);
                        for (int i = 0; i < slice.size(); i++) {
                          lease.pinned.set(start + i, lent.regions()[i] >= 0);
                        }
                      }
                    }
                  }));
    }
    return CompletableFuture.allOf(slices.toArray(CompletableFuture[]::new))
        .thenApply(done -> lease);
  }

  Node node() {
    return node;
  }

  long nodeId() {
    return nodeId;
  }

  long incarnation() {
    return incarnation;
  }

  /** Asks for a loan; the reply is null when there is none by the deadline. */
  CompletableFuture<Reply> borrow(List<BlockPlace> slice, Duration ttl, Duration deadline) {
    Chain chain = Chain.of(slice);
    return ask(
        id ->
            new Borrow(
                id,
                lives(),
                shape().domainDigest(),
                chain,
                Math.max(1, ttl.toMillis()),
                node.self()),
        deadline);
  }

  /** Whether a loan answers what was asked; given back if not. */
  boolean fits(Lent lent, List<BlockPlace> slice) {
    int count = slice.size();
    int sums = 0;
    if (lent.regions().length != count
        || lent.slots().length != count
        || lent.generations().length != count) {
      node.calls().giveBack(lent);
      return false;
    }
    for (int i = 0; i < count; i++) {
      sums += lent.regions()[i] < 0 ? 0 : layers(slice.get(i));
    }
    if (lent.checksums().length != 4 * sums) {
      node.calls().giveBack(lent);
      return false;
    }
    return true;
  }

  int layers(BlockPlace place) {
    return shape().groups().get(place.id().group()).layerCount();
  }

  /** Checksums of each block of the slice that is lent, null for the others; see {@link #fits}. */
  int[][] checksums(Lent lent, List<BlockPlace> slice) {
    int[][] sums = new int[slice.size()][];
    ByteBuffer bytes = ByteBuffer.wrap(lent.checksums());
    for (int i = 0; i < sums.length; i++) {
      if (lent.regions()[i] >= 0) {
        sums[i] = new int[layers(slice.get(i))];
        for (int layer = 0; layer < sums[i].length; layer++) {
          sums[i][layer] = bytes.getInt();
        }
      }
    }
    return sums;
  }

  /**
   * Borrows blocks from a peer on this host, to be read where they lie.
   *
   * @param slice at most {@link #loanBlocks}
   * @param deadline from now; the loan is not longer
   * @return null without a reply by then; a loan of nothing where the peer declined
   */
  CompletableFuture<NeighbourLoan> look(List<BlockPlace> slice, Duration deadline) {
    long startNs = node.clock().getAsLong();
    Duration guard = node.settings().guard();
    PeerMemory memory = node.links().memory(nodeId, incarnation);
    if (memory == null) {
      return CompletableFuture.completedFuture(null);
    }
    return borrow(
            slice, deadline.plus(guard), PeerRead.min(deadline, node.settings().loanDeadline()))
        .thenApply(
            reply -> {
              if (reply == null) {
                return null;
              }
              if (!(reply instanceof Lent lent && fits(lent, slice))) {
                return NeighbourLoan.none(slice.size());
              }
              Duration ttl = Duration.ofMillis(lent.ttlMs()).minus(guard);
              return new NeighbourLoan(
                  node.calls(),
                  memory,
                  lent,
                  checksums(lent, slice),
                  slice.stream().mapToInt(this::blockBytes).toArray(),
                  node.clock(),
                  PeerRead.min(left(startNs, deadline), ttl));
            });
  }

  private int blockBytes(BlockPlace place) {
    return shape().groups().get(place.id().group()).blockBytes();
  }

  /** Blocks of one loan: what fits a message. */
  int loanBlocks() {
    int layers = shape().groups().stream().mapToInt(BlockShape.Group::layerCount).max().orElse(1);
    int byMessage = MESSAGE_BYTES / (ENTRY_BYTES + 4 * layers);
    return Math.max(shape().groups().size(), Math.min(node.settings().batchBlocks(), byMessage));
  }

  /** Of those so many that loads overlap transfers. */
  int sliceBlocks() {
    int bytes = shape().groups().stream().mapToInt(BlockShape.Group::blockBytes).max().orElse(1);
    int byTransfer = Math.max(shape().groups().size(), SLICE_BYTES / bytes);
    return Math.min(loanBlocks(), byTransfer);
  }

  private static final int MESSAGE_BYTES = 48 << 10;
  private static final int ENTRY_BYTES = 40;
  private static final int SLICE_BYTES = 8 << 20;

  /** {@link #fetch(List, Duration, CompletableFuture)}, at once. */
  CompletableFuture<Fetch> fetch(List<BlockPlace> places, Duration deadline) {
    return fetch(places, deadline, CompletableFuture.completedFuture(null));
  }

  /**
   * Brings blocks into this node's host tier.
   *
   * @param places at most {@link #sliceBlocks}
   * @param deadline from now
   * @param turn blocks are borrowed at once, and pulled when this has completed, well or not
   * @return never fails
   */
  CompletableFuture<Fetch> fetch(
      List<BlockPlace> places, Duration deadline, CompletableFuture<Void> turn) {
    long startNs = node.clock().getAsLong();
    HostFilling filling = node.host().reserve(places);
    CompletableFuture<Fetch> mine;
    if (filling.reserved() == 0) {
      mine = CompletableFuture.completedFuture(Fetch.none(new BitSet()));
    } else {
      List<Integer> wanted = new ArrayList<>();
      for (int i = 0; i < places.size(); i++) {
        if (filling.outcome(i) == HostFilling.Outcome.RESERVED) {
          wanted.add(i);
        }
      }
      mine =
          node.links()
              .ready(nodeId, deadline)
              .toCompletableFuture()
              .thenCompose(
                  ready -> {
                    if (ready) {
                      return new PeerRead(this, filling, wanted, startNs, deadline).start(turn);
                    }
                    filling.abandon();
                    return CompletableFuture.completedFuture(Fetch.none(new BitSet()));
                  })
              .exceptionally(
                  failure -> {
                    filling.abandon();
                    return Fetch.none(new BitSet());
                  });
    }
    return mine.thenCombine(
            filling
                .others()
                .completeOnTimeout(null, Math.max(1, deadline.toNanos()), TimeUnit.NANOSECONDS),
            (fetch, others) -> fetch)
        .thenApply(
            fetch ->
                new Fetch(
                    node.host().find(places), fetch.gone(), fetch.bytes(), fetch.durationNs()));
  }

  private Duration left(long startNs, Duration deadline) {
    return deadline.minusNanos(node.clock().getAsLong() - startNs);
  }

  @Override
  public CompletionStage<List<int[]>> load(
      List<Target> targets, LayerRange layers, Duration deadline) {
    List<BlockPlace> places = targets.stream().map(Target::place).toList();
    long startNs = node.clock().getAsLong();
    int batch = sliceBlocks();
    List<CompletableFuture<?>> slices = new ArrayList<>();
    for (int from = 0; from < places.size(); from += batch) {
      List<BlockPlace> slice = places.subList(from, Math.min(places.size(), from + batch));
      slices.add(fetch(slice, deadline));
    }
    return CompletableFuture.allOf(slices.toArray(CompletableFuture[]::new))
        .thenCompose(done -> node.host().load(targets, layers, left(startNs, deadline)));
  }

  /** Keeps the blocks in this node's host tier and asks the peer to take them from there. */
  @Override
  public CompletionStage<BitSet> store(List<Sealed> blocks, Duration deadline) {
    List<BlockPlace> places = blocks.stream().map(Sealed::place).toList();
    long startNs = node.clock().getAsLong();
    return node.host()
        .store(blocks, deadline)
        .thenCompose(
            here -> {
              HostLease kept = node.host().keep(places, nodeId, deadline);
              Duration left = left(startNs, deadline);
              return askBits(
                      places,
                      (id, chain) ->
                          new Take(
                              id,
                              lives(),
                              shape().domainDigest(),
                              chain,
                              Math.max(1, left.toMillis()),
                              node.self()),
                      left)
                  .whenComplete((taken, failure) -> kept.close());
            });
  }
}
