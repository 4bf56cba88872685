package io.kvasir.actors.tier;

import io.kvasir.actors.tier.LoadPlanner.Source;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Blocks of a peer on this host on their way onto the device: borrowed, and taken by the device out
 * of the peer's memory. One copy, made by the device itself, takes the place of the two over this
 * node's host tier, and one loan that of many, because nothing has to overlap. The host tier gets
 * them from the device, when the request that waits has what it needs. Belongs to one {@link
 * FetchRun}, which hears of every block that does not come. Any thread.
 */
final class NeighbourLoad {
  private final TierFetcher.Means means;
  private final FetchRun run;
  private final Source source;
  private final PeerTier peer;
  private final List<BlockPlace> wanted;

  /**
   * @param wanted in the order of the chain
   */
  NeighbourLoad(
      TierFetcher.Means means,
      FetchRun run,
      Source source,
      PeerTier peer,
      List<BlockPlace> wanted) {
    this.means = means;
    this.run = run;
    this.source = source;
    this.peer = peer;
    this.wanted = wanted;
  }

  /** Begins; completes when nothing more comes, never fails. */
  CompletableFuture<Void> start() {
    List<CompletableFuture<?>> loans = new ArrayList<>();
    int length = peer.loanBlocks();
    for (int from = 0; from < wanted.size(); from += length) {
      List<BlockPlace> slice = wanted.subList(from, Math.min(wanted.size(), from + length));
      loans.add(
          peer.look(slice, run.left())
              .exceptionally(failure -> null)
              .thenComposeAsync(loan -> take(slice, loan), means.executor()));
    }
    return CompletableFuture.allOf(loans.toArray(CompletableFuture[]::new));
  }

  private CompletableFuture<Void> take(List<BlockPlace> slice, NeighbourLoan loan) {
    if (loan == null) {
      slice.forEach(place -> run.miss(source, place, MissReason.LOAD_FAILED));
      return CompletableFuture.completedFuture(null);
    }
    List<BlockPlace> elsewhere = new ArrayList<>();
    BitSet readable = loan.pinned();
    for (int i = 0; i < slice.size(); i++) {
      if (!loan.lends(i)) {
        run.miss(source, slice.get(i), MissReason.GONE);
      } else if (!readable.get(i)) {
        elsewhere.add(slice.get(i));
      }
    }
    long beganNs = means.clock().getAsLong();
    CompletableFuture<Void> taken =
        run.toDevice(source, slice, loan)
            .thenAccept(
                bytes -> {
                  if (bytes > 0) {
                    loan.taken(bytes);
                    long tookNs = means.clock().getAsLong() - beganNs;
                    means.peers().links().measured(peer.nodeId(), bytes, tookNs);
                  }
                });
    // In memory that is not shared, or not any more: the transport brings it.
    return elsewhere.isEmpty()
        ? taken
        : taken.thenCompose(done -> new PeerLoad(means, run, source, peer, elsewhere).start());
  }
}
