package io.kvasir.actors.tier;

import io.kvasir.actors.tier.PeerTier.Fetch;
import io.kvasir.actors.tier.TierMessage.Lent;
import io.kvasir.actors.tier.TierMessage.Reply;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.LayerRange;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.shared.PeerMemory;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * One loan of a peer read into reserved slots of this node's host tier.
 *
 * <p>Where the turn to read comes before the loan, the peer is asked for the blocks by key at once:
 * its transport holds the question until the loan stands and sends then, which saves the loan's way
 * here and the question's way there. When the loan is known here the peer's patience ends; what it
 * lent but had refused before, because it does not know how to wait, is pulled by reference.
 *
 * <p>From a peer on this host whose memory this process may read, what is lent is copied instead:
 * the transport is not asked but for what could not be copied.
 */
final class PeerRead {
  private final PeerTier peer;
  private final PeerTier.Node node;
  private final HostFilling filling;
  private final List<Integer> wanted;
  private final List<BlockPlace> slice;
  private final long startNs;
  private final Duration deadline;

  /** When the reply came; a turn may come long after it. */
  private volatile long repliedNs;

  /**
   * @param filling whose reserved slots are filled, or abandoned
   * @param wanted places in the filling
   * @param startNs when the deadline began
   */
  PeerRead(
      PeerTier peer, HostFilling filling, List<Integer> wanted, long startNs, Duration deadline) {
    this.peer = peer;
    this.node = peer.node();
    this.filling = filling;
    this.wanted = wanted;
    this.slice = wanted.stream().map(filling.blocks()::get).toList();
    this.startNs = startNs;
    this.deadline = deadline;
  }

  /** Borrows at once and reads when the turn has come, well or not. */
  CompletableFuture<Fetch> start(CompletableFuture<Void> turn) {
    Duration left = left();
    Duration ttl = left.plus(node.settings().guard());
    // Asked before the loan is: whether a pull goes out early is not to hang on which thread is
    // first.
    boolean due = turn.isDone();
    // The directory goes on naming a node that has died until the cluster has noticed.
    CompletableFuture<Reply> loan =
        peer.borrow(slice, ttl, min(left, node.settings().loanDeadline()))
            .thenApply(
                reply -> {
                  repliedNs = node.clock().getAsLong();
                  return reply;
                });
    PeerMemory memory = node.links().memory(peer.nodeId(), peer.incarnation());
    if (memory != null) {
      return turn.handle((before, failure) -> null)
          .thenCombine(loan, (nothing, reply) -> reply)
          .thenComposeAsync(reply -> copy(memory, reply), node.executor());
    }
    return turn.handle((before, failure) -> due || !loan.isDone() ? pullEarly() : null)
        .thenCompose(
            early ->
                loan.thenComposeAsync(
                    reply -> early == null ? read(reply) : readEarly(early, reply),
                    node.executor()));
  }

  private Duration left() {
    return deadline.minusNanos(node.clock().getAsLong() - startNs);
  }

  static Duration min(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /** Asks for the blocks by key before the loan is known; null when there is no time for it. */
  private Transfer pullEarly() {
    // No loan is longer than this, and this one has not begun when the pull's deadline does.
    Duration patience = min(left(), node.settings().borrowTtl().minus(node.settings().guard()));
    if (!patience.isPositive()) {
      return null;
    }
    List<PullBlock> blocks = new ArrayList<>();
    for (int i = 0; i < slice.size(); i++) {
      blocks.add(PullBlock.soon(key(i), encoding(i), filling.ref(wanted.get(i))));
    }
    return node.links().transport().pull(peer.nodeId(), blocks, patience, null);
  }

  private BlockKey key(int i) {
    return new BlockKey(slice.get(i).id().high(), slice.get(i).id().low());
  }

  private int encoding(int i) {
    return peer.shape().groups().get(slice.get(i).id().group()).encoding();
  }

  private CompletableFuture<Fetch> readEarly(Transfer early, Reply reply) {
    boolean lent = reply instanceof Lent loan && peer.fits(loan, slice);
    if (lent) {
      // What is not lent to us by now is not going to be.
      early.hurry();
    } else {
      early.cancel();
    }
    // The slots are the transport's until the early pull has ended.
    return early
        .result()
        .thenComposeAsync(
            result -> lent ? readRest((Lent) reply, result) : nothing(gone(reply)),
            node.executor());
  }

  /** Reads what was lent though a peer that does not know how to wait had refused it before. */
  private CompletableFuture<Fetch> readRest(Lent lent, TransferResult early) {
    Arrived arrived = new Arrived(lent);
    arrived.add(every(), early);
    List<Integer> rest =
        every().stream()
            .filter(i -> lent.regions()[i] >= 0 && notFound(early.verdicts().get(i)))
            .toList();
    return rest.isEmpty() ? CompletableFuture.completedFuture(keep(arrived)) : pull(arrived, rest);
  }

  private List<Integer> every() {
    return IntStream.range(0, slice.size()).boxed().toList();
  }

  private static boolean notFound(Verdict verdict) {
    return verdict instanceof Verdict.Refused refused && refused.reason() == Refusal.NOT_FOUND;
  }

  /** Reads what a reply lends. */
  private CompletableFuture<Fetch> read(Reply reply) {
    if (reply instanceof Lent lent && peer.fits(lent, slice)) {
      return pull(new Arrived(lent), every().stream().filter(i -> lent.regions()[i] >= 0).toList());
    }
    return nothing(gone(reply));
  }

  /** Copies what a reply lends out of the peer's memory, and pulls what could not be copied. */
  private CompletableFuture<Fetch> copy(PeerMemory memory, Reply reply) {
    if (!(reply instanceof Lent lent && peer.fits(lent, slice))) {
      return nothing(gone(reply));
    }
    Arrived arrived = new Arrived(lent);
    List<Integer> rest = new ArrayList<>();
    long beganNs = node.clock().getAsLong();
    long bytes = 0;
    for (int i = 0; i < slice.size(); i++) {
      if (lent.regions()[i] < 0) {
        continue;
      }
      MemorySegment target = filling.segment(wanted.get(i));
      if (!memory.copy(reference(lent, i), target) || !granted(lent).isPositive()) {
        rest.add(i);
      } else if (HostTier.matches(target, arrived.sums[i], 0, arrived.sums[i].length)) {
        arrived.verdicts[i] = new Verdict.Delivered();
        bytes += target.byteSize();
      } else {
        arrived.verdicts[i] = new Verdict.Refused(Refusal.CHECKSUM);
      }
    }
    arrived.copied(bytes, node.clock().getAsLong() - beganNs);
    return rest.isEmpty() ? CompletableFuture.completedFuture(keep(arrived)) : pull(arrived, rest);
  }

  /** Without a loan nothing is there; without a reply that is not known. */
  private BitSet gone(Reply reply) {
    BitSet gone = new BitSet();
    if (reply != null) {
      wanted.forEach(gone::set);
    }
    return gone;
  }

  private CompletableFuture<Fetch> nothing(BitSet gone) {
    filling.abandon();
    return CompletableFuture.completedFuture(Fetch.none(gone));
  }

  /**
   * Pulls blocks of a loan by reference.
   *
   * @param places in the slice
   */
  private CompletableFuture<Fetch> pull(Arrived arrived, List<Integer> places) {
    Lent lent = arrived.lent;
    List<PullBlock> blocks = new ArrayList<>();
    for (int i : places) {
      blocks.add(
          new PullBlock(
              key(i), LayerRange.ALL, encoding(i), filling.ref(wanted.get(i)), reference(lent, i)));
    }
    Duration patience = granted(lent);
    if (blocks.isEmpty() || !patience.isPositive()) {
      return CompletableFuture.completedFuture(keep(arrived));
    }
    return node.links()
        .transport()
        .pull(peer.nodeId(), blocks, patience, null)
        .result()
        .thenApplyAsync(
            result -> {
              arrived.add(places, result);
              return keep(arrived);
            },
            node.executor());
  }

  private static BlockRef reference(Lent lent, int i) {
    return new BlockRef(lent.regions()[i], lent.slots()[i], lent.generations()[i]);
  }

  /** How much longer a loan may be read. */
  private Duration granted(Lent lent) {
    Duration since = Duration.ofNanos(node.clock().getAsLong() - repliedNs);
    return min(left(), Duration.ofMillis(lent.ttlMs()).minus(node.settings().guard()).minus(since));
  }

  /** What copies and transfers brought of a loan. */
  private final class Arrived {
    private final Lent lent;

    /** The last verdict on each block of the slice, or null. */
    private final Verdict[] verdicts = new Verdict[slice.size()];

    /** Layer checksums of each block of the slice that is lent. */
    private final int[][] sums;

    private long bytes;

    Arrived(Lent lent) {
      this.lent = lent;
      this.sums = peer.checksums(lent, slice);
    }

    void copied(long count, long durationNs) {
      bytes += count;
      if (count > 0) {
        node.links().measured(peer.nodeId(), count, durationNs);
      }
    }

    /**
     * @param places in the slice of the transfer's blocks
     */
    void add(List<Integer> places, TransferResult result) {
      for (int b = 0; b < places.size(); b++) {
        verdicts[places.get(b)] = result.verdicts().get(b);
      }
      bytes += result.deliveredBytes();
      tellLink(result);
    }

    /** Places that came broken, which the lender should look at. */
    int[] broken() {
      return IntStream.range(0, verdicts.length)
          .filter(i -> verdicts[i] instanceof Verdict.Refused r && r.reason() == Refusal.CHECKSUM)
          .toArray();
    }
  }

  /** Gives the loan back, and the host tier the blocks that came. */
  private Fetch keep(Arrived arrived) {
    node.calls().giveBack(arrived.lent, arrived.broken());
    BitSet gone = new BitSet();
    int[][] kept = new int[filling.blocks().size()][];
    for (int i = 0; i < slice.size(); i++) {
      int place = wanted.get(i);
      boolean lent = arrived.lent.regions()[i] >= 0;
      if (lent && arrived.verdicts[i] != null && arrived.verdicts[i].delivered()) {
        kept[place] = arrived.sums[i];
      } else if (!lent || arrived.verdicts[i] instanceof Verdict.Refused) {
        gone.set(place);
      }
    }
    filling.commit(Arrays.asList(kept));
    return new Fetch(new BitSet(), gone, arrived.bytes, node.clock().getAsLong() - startNs);
  }

  private void tellLink(TransferResult result) {
    if (result.deliveredBytes() > 0) {
      node.links().measured(peer.nodeId(), result.deliveredBytes(), result.durationNs());
    }
    if (result.verdicts().stream().anyMatch(Verdict.PeerLost.class::isInstance)) {
      node.links().lost(peer.nodeId());
    }
  }
}
