package io.kvasir.actors.tier;

import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.tier.LoadPlanner.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Blocks of a peer on their way onto the device: a few slices under way at a time, each loaded as
 * soon as it is in the host tier. Belongs to one {@link FetchRun}, which hears of every block that
 * does not come. Guarded by its own lock, which may be taken inside the run's, never the other way
 * round.
 */
final class PeerLoad {
  /**
   * So many that the next loans are made while blocks of the first ones are on their way. All of
   * them are pulled at once: a pull takes some messages before its first frame, and the transport
   * sends the first ones first.
   */
  private static final int SLICES_UNDER_WAY = 4;

  private final TierFetcher.Means means;
  private final FetchRun run;
  private final Source source;
  private final PeerTier peer;
  private final List<List<BlockPlace>> slices = new ArrayList<>();
  private final List<CompletableFuture<Void>> fetched = new ArrayList<>();
  private int next;
  private boolean stopped;

  /**
   * @param wanted in the order of the chain
   */
  PeerLoad(
      TierFetcher.Means means,
      FetchRun run,
      Source source,
      PeerTier peer,
      List<BlockPlace> wanted) {
    this.means = means;
    this.run = run;
    this.source = source;
    this.peer = peer;
    int count = Math.ceilDiv(wanted.size(), peer.sliceBlocks());
    // Of one length: a last small one would cost as many round trips as a whole one.
    int length = Math.ceilDiv(wanted.size(), Math.max(1, count));
    for (int from = 0; from < wanted.size(); from += length) {
      slices.add(wanted.subList(from, Math.min(wanted.size(), from + length)));
    }
  }

  /**
   * Brings blocks of a peer onto the device, the shortest way that there is.
   *
   * @param wanted in the order of the chain
   * @return completes when nothing more comes, never fails
   */
  static CompletableFuture<Void> start(
      TierFetcher.Means means, FetchRun run, Source source, List<BlockPlace> wanted) {
    NodeInfo node = means.view().find(source.nodeId());
    PeerTier peer =
        new PeerTier(means.peers(), source.nodeId(), node == null ? 0 : node.incarnation());
    return peer.copies()
        ? new NeighbourLoad(means, run, source, peer, wanted).start()
        : new PeerLoad(means, run, source, peer, wanted).start();
  }

  /** Begins; completes when nothing more comes, never fails. */
  CompletableFuture<Void> start() {
    CompletableFuture<?>[] lanes = new CompletableFuture<?>[SLICES_UNDER_WAY];
    for (int i = 0; i < lanes.length; i++) {
      lanes[i] = nextSlice();
    }
    return CompletableFuture.allOf(lanes);
  }

  private CompletableFuture<Void> nextSlice() {
    List<BlockPlace> slice;
    CompletableFuture<Void> turn;
    CompletableFuture<Void> over = new CompletableFuture<>();
    synchronized (this) {
      if (next == slices.size() || stopped || !run.left().isPositive()) {
        return CompletableFuture.completedFuture(null);
      }
      turn =
          next < SLICES_UNDER_WAY
              ? CompletableFuture.completedFuture(null)
              : fetched.get(next - SLICES_UNDER_WAY);
      fetched.add(over);
      slice = slices.get(next++);
    }
    return peer.fetch(slice, run.left(), turn)
        .whenComplete((fetch, failure) -> over.complete(null))
        .thenComposeAsync(
            fetch -> {
              List<BlockPlace> here = new ArrayList<>();
              for (int i = 0; i < slice.size(); i++) {
                if (fetch.present().get(i)) {
                  here.add(slice.get(i));
                } else {
                  run.miss(
                      source,
                      slice.get(i),
                      fetch.gone().get(i) ? MissReason.GONE : MissReason.LOAD_FAILED);
                }
              }
              synchronized (this) {
                stopped |= here.size() < slice.size();
              }
              CompletableFuture<Void> further = nextSlice();
              return run.toDevice(source, here).thenCombine(further, (one, other) -> null);
            },
            means.executor());
  }
}
