package io.kvasir.actors.tier;

import io.kvasir.actors.tier.HostTier.Filling;
import io.kvasir.actors.tier.HostTier.Outcome;
import io.kvasir.transport.BlockRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Blocks of one loan on their way into the host tier. They come in parts, each of which is taken
 * into the tier as soon as its last block has its verdict, so that what came first can be used
 * while the rest is on its way. Slots are reserved by the constructor; {@link #end} must follow.
 *
 * <p>{@link #settle} is called by one thread at a time, the transport's agent for the most part;
 * the tier's lock is never taken there. Everything else runs on the executor.
 */
final class Landing {
  private final List<BlockPlace> places;
  private final int partBlocks;
  private final Part[] parts;
  private final int[][] sums;
  private final boolean[] delivered;
  private final Executor executor;

  /** Some blocks of the loan in the order of their chain. */
  private final class Part {
    private final int first;
    private final Filling filling;
    private final AtomicInteger open;
    private final AtomicBoolean committed = new AtomicBoolean();
    private final CompletableFuture<Void> own = new CompletableFuture<>();
    private final CompletableFuture<Void> whole;

    Part(int first, Filling filling, Duration deadline, Consumer<List<BlockPlace>> arrived) {
      this.first = first;
      this.filling = filling;
      this.open = new AtomicInteger(filling.reserved());
      CompletableFuture<Void> others =
          filling
              .others()
              .completeOnTimeout(null, Math.max(1, deadline.toNanos()), TimeUnit.NANOSECONDS);
      this.whole =
          own.thenCombine(others, (mine, theirs) -> mine)
              .thenRun(() -> arrived.accept(filling.blocks()));
    }

    /** Takes into the tier what was delivered, and frees the other slots; idempotent. */
    void commit() {
      if (!committed.compareAndSet(false, true)) {
        return;
      }
      int[][] kept = new int[filling.blocks().size()][];
      for (int i = 0; i < kept.length; i++) {
        kept[i] = delivered[first + i] ? sums[first + i] : null;
      }
      try {
        filling.commit(Arrays.asList(kept));
      } finally {
        own.complete(null);
      }
    }
  }

  /**
   * Reserves slots.
   *
   * @param places of the loan, in the order of the chain
   * @param partBlocks most blocks of a part
   * @param deadline from now; longest wait for blocks that others are bringing in
   * @param arrived hears of each part when all that can come of it is in the tier; must be quick
   */
  Landing(
      HostTier host,
      List<BlockPlace> places,
      int partBlocks,
      Duration deadline,
      Executor executor,
      Consumer<List<BlockPlace>> arrived) {
    this.places = List.copyOf(places);
    this.partBlocks = partBlocks;
    this.executor = executor;
    this.sums = new int[places.size()][];
    this.delivered = new boolean[places.size()];
    this.parts = new Part[Math.ceilDiv(places.size(), partBlocks)];
    for (int p = 0; p < parts.length; p++) {
      int first = p * partBlocks;
      int limit = Math.min(places.size(), first + partBlocks);
      Filling filling = host.reserve(this.places.subList(first, limit));
      parts[p] = new Part(first, filling, deadline, arrived);
    }
  }

  /** Places of the blocks that are to be brought, in the order of the chain. */
  List<Integer> wanted() {
    List<Integer> wanted = new ArrayList<>();
    for (int i = 0; i < places.size(); i++) {
      if (part(i).filling.outcome(i - part(i).first) == Outcome.RESERVED) {
        wanted.add(i);
      }
    }
    return wanted;
  }

  BlockPlace place(int i) {
    return places.get(i);
  }

  /** Where a wanted block goes. */
  BlockRef ref(int i) {
    return part(i).filling.ref(i - part(i).first);
  }

  private Part part(int i) {
    return parts[i / partBlocks];
  }

  /** Parts of which nothing is wanted need no verdict. */
  void begin() {
    for (Part part : parts) {
      if (part.open.get() == 0) {
        part.commit();
      }
    }
  }

  /**
   * A wanted block has its verdict; called once for each.
   *
   * @param checksums those of its sealing if it lies whole in its slot, else null; kept
   */
  void settle(int i, int[] checksums) {
    Part part = part(i);
    sums[i] = checksums;
    delivered[i] = checksums != null;
    if (part.open.decrementAndGet() == 0) {
      try {
        executor.execute(part::commit);
      } catch (RejectedExecutionException stopping) {
        // The end commits it.
      }
    }
  }

  /**
   * Nothing more comes: slots without a verdict are freed. Nobody writes into them any more.
   *
   * @return completes when every part has arrived; never fails
   */
  CompletableFuture<Void> end() {
    for (Part part : parts) {
      part.commit();
    }
    CompletableFuture<?>[] whole = new CompletableFuture<?>[parts.length];
    for (int p = 0; p < parts.length; p++) {
      whole[p] = parts[p].whole;
    }
    return CompletableFuture.allOf(whole).exceptionally(failure -> null);
  }
}
