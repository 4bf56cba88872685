package io.kvasir.actors.tier;

import io.kvasir.actors.tier.HostTier.Filling;
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
import java.nio.ByteBuffer;
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
 * here and the question's way there. If the peer lends less than was asked, or does not know how to
 * wait, that early pull ends and what was lent is pulled by reference.
 */
final class PeerRead {
  private final PeerTier peer;
  private final PeerTier.Node node;
  private final Filling filling;
  private final List<Integer> wanted;
  private final List<BlockPlace> slice;
  private final long startNs;
  private final Duration deadline;

  /**
   * @param filling whose reserved slots are filled, or abandoned
   * @param wanted places in the filling
   * @param startNs when the deadline began
   */
  PeerRead(PeerTier peer, Filling filling, List<Integer> wanted, long startNs, Duration deadline) {
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
    // The directory goes on naming a node that has died until the cluster has noticed.
    CompletableFuture<Reply> loan =
        peer.borrow(slice, ttl, min(left, node.settings().loanDeadline()));
    return turn.handle((before, failure) -> loan.isDone() ? null : pullEarly())
        .thenCompose(
            early ->
                loan.thenComposeAsync(
                    reply -> early == null ? read(reply) : readEarly(early, reply),
                    node.executor()));
  }

  private Duration left() {
    return deadline.minusNanos(node.clock().getAsLong() - startNs);
  }

  private static Duration min(Duration one, Duration other) {
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
    boolean whole =
        reply instanceof Lent lent
            && lent.regions().length == slice.size()
            && Arrays.stream(lent.regions()).allMatch(region -> region >= 0);
    if (!whole) {
      early.cancel();
    }
    // The slots are the transport's until the early pull has ended.
    return early
        .result()
        .thenComposeAsync(
            result -> {
              if (whole && !refused(result) && peer.fits((Lent) reply, slice)) {
                return CompletableFuture.completedFuture(
                    keep((Lent) reply, IntStream.range(0, slice.size()).boxed().toList(), result));
              }
              return read(reply);
            },
            node.executor());
  }

  private static boolean refused(TransferResult result) {
    return result.verdicts().stream()
        .anyMatch(v -> v instanceof Verdict.Refused r && r.reason() == Refusal.NOT_FOUND);
  }

  /** Reads what a reply lends. */
  private CompletableFuture<Fetch> read(Reply reply) {
    if (reply instanceof Lent lent && peer.fits(lent, slice)) {
      return pull(lent);
    }
    BitSet gone = new BitSet();
    if (reply != null) {
      wanted.forEach(gone::set);
    }
    return nothing(gone);
  }

  private CompletableFuture<Fetch> nothing(BitSet gone) {
    filling.abandon();
    return CompletableFuture.completedFuture(Fetch.none(gone));
  }

  private CompletableFuture<Fetch> pull(Lent lent) {
    List<PullBlock> blocks = new ArrayList<>();
    List<Integer> pulled = new ArrayList<>();
    for (int i = 0; i < slice.size(); i++) {
      if (lent.regions()[i] >= 0) {
        BlockRef source = new BlockRef(lent.regions()[i], lent.slots()[i], lent.generations()[i]);
        blocks.add(
            new PullBlock(key(i), LayerRange.ALL, encoding(i), filling.ref(wanted.get(i)), source));
        pulled.add(i);
      }
    }
    Duration granted = Duration.ofMillis(lent.ttlMs()).minus(node.settings().guard());
    Duration patience = min(left(), granted);
    if (blocks.isEmpty() || !patience.isPositive()) {
      node.calls().giveBack(lent);
      return nothing(notLent(lent));
    }
    return node.links()
        .transport()
        .pull(peer.nodeId(), blocks, patience, null)
        .result()
        .thenApplyAsync(result -> keep(lent, pulled, result), node.executor());
  }

  private BitSet notLent(Lent lent) {
    BitSet gone = new BitSet();
    for (int i = 0; i < slice.size(); i++) {
      if (lent.regions()[i] < 0) {
        gone.set(wanted.get(i));
      }
    }
    return gone;
  }

  /**
   * Gives the loan back and the blocks that came to the host tier.
   *
   * @param pulled places in the slice of the transfer's blocks
   */
  private Fetch keep(Lent lent, List<Integer> pulled, TransferResult result) {
    int[][] sums = checksums(lent);
    node.calls().giveBack(lent, broken(result, pulled));
    BitSet gone = notLent(lent);
    int[][] kept = new int[filling.blocks().size()][];
    for (int b = 0; b < pulled.size(); b++) {
      int place = wanted.get(pulled.get(b));
      if (result.verdicts().get(b).delivered()) {
        kept[place] = sums[pulled.get(b)];
      } else if (result.verdicts().get(b) instanceof Verdict.Refused) {
        gone.set(place);
      }
    }
    filling.commit(Arrays.asList(kept));
    tellLink(result);
    return new Fetch(
        new BitSet(), gone, result.deliveredBytes(), node.clock().getAsLong() - startNs);
  }

  private static int[] broken(TransferResult result, List<Integer> pulled) {
    return IntStream.range(0, pulled.size())
        .filter(
            b ->
                result.verdicts().get(b) instanceof Verdict.Refused refused
                    && refused.reason() == Refusal.CHECKSUM)
        .map(pulled::get)
        .toArray();
  }

  private void tellLink(TransferResult result) {
    if (result.deliveredBytes() > 0) {
      node.links().measured(peer.nodeId(), result.deliveredBytes(), result.durationNs());
    }
    if (result.verdicts().stream().anyMatch(Verdict.PeerLost.class::isInstance)) {
      node.links().lost(peer.nodeId());
    }
  }

  private int[][] checksums(Lent lent) {
    int[][] sums = new int[slice.size()][];
    ByteBuffer bytes = ByteBuffer.wrap(lent.checksums());
    for (int i = 0; i < sums.length; i++) {
      if (lent.regions()[i] >= 0) {
        sums[i] = new int[peer.layers(slice.get(i))];
        for (int layer = 0; layer < sums[i].length; layer++) {
          sums[i][layer] = bytes.getInt();
        }
      }
    }
    return sums;
  }
}
