package io.kvasir.actors.tier;

import io.kvasir.actors.directory.Holdings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/**
 * Brings the blocks of a prompt onto the device where loading is predicted to beat computing (law
 * 8). Any thread; never blocks.
 */
public interface BlockFetcher {
  /** Loads nothing: a node without tiers. */
  BlockFetcher NONE =
      order ->
          java.util.concurrent.CompletableFuture.completedFuture(
              new Fetched(List.of(), List.of(), Map.of(), List.of()));

  /** Never fails: what cannot be loaded in time is recomputed (law 7). */
  CompletionStage<Fetched> fetch(Order order);

  /**
   * Tells how long computing prompt rows took, from which the next break-even is predicted.
   *
   * @param from first row computed
   * @param to behind the last
   */
  default void computed(int from, int to, long durationNs) {}

  /**
   * A prompt about to be admitted.
   *
   * @param ownerId owner of the pins: the request
   * @param promptTokens length of the prompt
   * @param keys of its full blocks
   * @param deadline from now, after which what is not there yet is recomputed
   * @param sources that may be loaded from; what is on the device counts as found in any case
   * @param holdings of other nodes as somebody has just found them, verified on use: the directory
   *     is asked only where they do not hold; null = not known
   */
  record Order(
      long ownerId,
      int promptTokens,
      BlockKeys keys,
      Duration deadline,
      Set<Residence> sources,
      Holdings holdings) {
    public Order {
      sources = Set.copyOf(sources);
    }

    /** With what the directory will say. */
    public Order(
        long ownerId, int promptTokens, BlockKeys keys, Duration deadline, Set<Residence> sources) {
      this(ownerId, promptTokens, keys, deadline, sources, null);
    }

    /** From wherever it is predicted to be worth it. */
    public Order(long ownerId, int promptTokens, BlockKeys keys, Duration deadline) {
      this(ownerId, promptTokens, keys, deadline, EnumSet.allOf(Residence.class));
    }
  }

  /**
   * What was loaded.
   *
   * @param pins keep the loaded blocks until admission has attached them; the engine closes them
   * @param loaded spans by residence
   * @param misses tokens that will be computed, by reason; the last partial block is not in it
   * @param explained one sentence a decision, for {@code kvasir.explain}
   */
  record Fetched(
      List<BlockPin> pins,
      List<LoadedSpan> loaded,
      Map<MissReason, Integer> misses,
      List<String> explained) {
    public Fetched {
      pins = List.copyOf(pins);
      loaded = List.copyOf(loaded);
      misses = Map.copyOf(misses);
      explained = List.copyOf(explained);
    }
  }
}
