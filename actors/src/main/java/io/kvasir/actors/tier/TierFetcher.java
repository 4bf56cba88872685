package io.kvasir.actors.tier;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.Residence;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * Brings prompts' blocks onto the device: one {@link FetchRun} a prompt, a bounded number at a
 * time. Any thread.
 */
final class TierFetcher implements BlockFetcher {
  /** What runs share. */
  record Means(
      DeviceBlocks device,
      HostTier host,
      Directory directory,
      ClusterView view,
      PeerTier.Node peers,
      RateBook rates,
      PrefillCost cost,
      TierSettings settings,
      Executor executor,
      LongSupplier clock,
      Counts counts) {}

  /** What was loaded and missed since the start. */
  static final class Counts {
    private final AtomicLongArray tokens = new AtomicLongArray(Residence.values().length);
    private final AtomicLongArray bytes = new AtomicLongArray(Residence.values().length);
    private final AtomicLongArray misses = new AtomicLongArray(MissReason.values().length);

    void loaded(Residence from, long loadedBytes) {
      bytes.addAndGet(from.ordinal(), loadedBytes);
    }

    void served(Residence from, int count) {
      tokens.addAndGet(from.ordinal(), count);
    }

    void missed(MissReason reason, int count) {
      misses.addAndGet(reason.ordinal(), count);
    }

    long tokens(Residence from) {
      return tokens.get(from.ordinal());
    }

    long bytes(Residence from) {
      return bytes.get(from.ordinal());
    }

    long misses(MissReason reason) {
      return misses.get(reason.ordinal());
    }
  }

  private final Means means;
  private final AtomicInteger active = new AtomicInteger();
  private volatile boolean closed;

  TierFetcher(Means means) {
    this.means = means;
  }

  @Override
  public void computed(int from, int to, long durationNs) {
    means.cost().record(from, to, durationNs / 1e9);
  }

  @Override
  public CompletionStage<Fetched> fetch(Order order) {
    int fullTokens = order.keys().blockCount() * order.keys().slots();
    if (fullTokens == 0) {
      return CompletableFuture.completedFuture(
          new Fetched(List.of(), List.of(), Map.of(), List.of("the prompt has no full block")));
    }
    if (closed || active.incrementAndGet() > means.settings().maxFetches()) {
      if (!closed) {
        active.decrementAndGet();
      }
      Map<MissReason, Integer> misses = new EnumMap<>(MissReason.class);
      misses.put(MissReason.LOAD_FAILED, fullTokens);
      means.counts().missed(MissReason.LOAD_FAILED, fullTokens);
      return CompletableFuture.completedFuture(
          new Fetched(
              List.of(),
              List.of(),
              misses,
              List.of(
                  "nothing is loaded because "
                      + means.settings().maxFetches()
                      + " prompts are being served already")));
    }
    return new FetchRun(means, order)
        .start()
        .whenComplete((fetched, failure) -> active.decrementAndGet());
  }

  /** A peer whose blocks may be borrowed: its life as the view shows it, or null. */
  static NodeInfo peer(ClusterView view, long nodeId, long incarnation) {
    NodeInfo node = view.find(nodeId);
    return node != null
            && node.incarnation() == incarnation
            && node.tier() != null
            && node.nodeId() != view.self().nodeId()
        ? node
        : null;
  }

  int activeCount() {
    return active.get();
  }

  /** Loads nothing more. */
  void close() {
    closed = true;
  }
}
