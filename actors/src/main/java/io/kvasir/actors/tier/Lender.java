package io.kvasir.actors.tier;

import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.TierMessage.Borrow;
import io.kvasir.actors.tier.TierMessage.Declined;
import io.kvasir.actors.tier.TierMessage.Lent;
import io.kvasir.actors.tier.TierMessage.Reason;
import io.kvasir.actors.tier.TierMessage.Reply;
import io.kvasir.actors.tier.TierMessage.Return;
import io.kvasir.runtime.blocks.BlockCopy;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.SealedBlock;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongPredicate;
import java.util.function.LongSupplier;

/**
 * Lends blocks of the host tier to peers: what a peer may read is what was lent to it, for as long
 * as this node's own clock says. Blocks that only the device has are brought into the host tier
 * first. A loan ends by its return, its deadline, or the end of the borrower's life. Any thread;
 * {@link #find} is called by the transport and only reads.
 */
final class Lender implements BlockSource {
  private final HostTier host;
  private final DeviceBlocks device;
  private final BlockShape shape;
  private final TierSettings settings;
  private final LongSupplier clock;
  private final AtomicInteger active = new AtomicInteger();
  private final AtomicLong nextLoan = new AtomicLong(1);
  private final AtomicLong busy = new AtomicLong();
  private final AtomicLong lentBlocks = new AtomicLong();
  private final Map<Long, Loan> loans = new ConcurrentHashMap<>();
  private final Map<LentKey, LentBlock> lent = new ConcurrentHashMap<>();

  private record LentKey(long node, long high, long low) {}

  private record LentBlock(SealedBlock block, long deadlineNs, int loans) {}

  private record Loan(
      long id, long node, long incarnation, long deadlineNs, HostLease lease, List<LentKey> keys) {}

  /**
   * @param device where blocks may be that the host tier lacks, or null
   */
  Lender(HostTier host, DeviceBlocks device, TierSettings settings, LongSupplier clock) {
    this.host = host;
    this.device = device;
    this.shape = host.shape();
    this.settings = settings;
    this.clock = clock;
  }

  /**
   * Lends what of the blocks is here.
   *
   * @param places the blocks of the request
   * @param alive whether a node's loans may still be made when the blocks are ready
   */
  CompletionStage<Reply> borrow(Borrow request, List<BlockPlace> places, LongPredicate alive) {
    if (active.incrementAndGet() > settings.maxBorrows()) {
      active.decrementAndGet();
      busy.incrementAndGet();
      return CompletableFuture.completedFuture(new Declined(request.id(), Reason.BUSY));
    }
    long ttlMs = Math.max(1, Math.min(request.ttlMs(), settings.borrowTtl().toMillis()));
    long owner = request.lives().from();
    HostLease lease = host.keep(places, owner, Duration.ofMillis(ttlMs));
    if (device == null || lease.pinned().cardinality() == places.size()) {
      return CompletableFuture.completedFuture(lend(request, places, lease, ttlMs, alive));
    }
    return stage(places, lease, Duration.ofMillis(ttlMs))
        .handle(
            (done, failure) -> {
              HostLease whole = host.keep(places, owner, Duration.ofMillis(ttlMs));
              lease.close();
              return lend(request, places, whole, ttlMs, alive);
            });
  }

  /** Brings what only the device has into the host tier. */
  private CompletionStage<Void> stage(List<BlockPlace> places, HostLease held, Duration patience) {
    List<BlockPlace> missing = new ArrayList<>();
    for (int i = 0; i < places.size(); i++) {
      if (!held.pinned().get(i)) {
        missing.add(places.get(i));
      }
    }
    return copyDown(host, device, missing)
        .completeOnTimeout(null, patience.toNanos() / 2, TimeUnit.NANOSECONDS);
  }

  /** Copies blocks from the device into the host tier; completes when they are there or not. */
  static CompletableFuture<Void> copyDown(
      HostTier host, DeviceBlocks device, List<BlockPlace> places) {
    HostFilling filling = host.reserve(places);
    CompletableFuture<Void> mine = CompletableFuture.completedFuture(null);
    if (filling.reserved() > 0) {
      List<BlockCopy> copies = new ArrayList<>();
      for (int i = 0; i < places.size(); i++) {
        if (filling.outcome(i) == HostFilling.Outcome.RESERVED) {
          copies.add(new BlockCopy(places.get(i).id(), filling.segment(i)));
        }
      }
      mine =
          device
              .read(copies)
              .handle(
                  (sums, failure) -> {
                    filling.commit(spread(filling, failure == null ? sums : null));
                    return null;
                  });
    }
    return mine.thenCombine(filling.others(), (done, others) -> null);
  }

  /** Checksums of the reserved blocks, at their places in the filling. */
  private static List<int[]> spread(HostFilling filling, List<int[]> sums) {
    int[][] all = new int[filling.blocks().size()][];
    int next = 0;
    for (int i = 0; i < all.length; i++) {
      if (filling.outcome(i) == HostFilling.Outcome.RESERVED && sums != null) {
        all[i] = sums.get(next++);
      }
    }
    return Arrays.asList(all);
  }

  private Reply lend(
      Borrow request, List<BlockPlace> places, HostLease lease, long ttlMs, LongPredicate alive) {
    long node = request.lives().from();
    int count = places.size();
    int[] regions = new int[count];
    int[] slots = new int[count];
    int[] generations = new int[count];
    List<LentKey> keys = new ArrayList<>();
    ByteBuffer checksums = ByteBuffer.allocate(checksumBytes(places));
    long deadlineNs = clock.getAsLong() + TimeUnit.MILLISECONDS.toNanos(ttlMs);
    for (int i = 0; i < count; i++) {
      regions[i] = -1;
      HostLease.Kept kept = lease.kept(i);
      if (kept != null) {
        BlockPlace place = places.get(i);
        BlockRef ref = kept.ref();
        BlockShape.Group group = shape.groups().get(place.id().group());
        regions[i] = ref.regionId();
        slots[i] = ref.slot();
        generations[i] = ref.generation();
        int[] sums = kept.checksums();
        checksums.asIntBuffer().put(sums);
        checksums.position(checksums.position() + 4 * sums.length);
        LentKey key = new LentKey(node, place.id().high(), place.id().low());
        SealedBlock block =
            new SealedBlock(
                new BlockKey(key.high(), key.low()),
                ref,
                group.blockBytes(),
                group.encoding(),
                sums);
        lent.merge(
            key,
            new LentBlock(block, deadlineNs, 1),
            (former, latest) ->
                new LentBlock(
                    block,
                    former.deadlineNs() - deadlineNs > 0 ? former.deadlineNs() : deadlineNs,
                    former.loans() + 1));
        keys.add(key);
      }
    }
    if (keys.isEmpty()) {
      lease.close();
      active.decrementAndGet();
      return new Lent(
          request.id(), request.lives().turned(), 0, 0, regions, slots, generations, new byte[0]);
    }
    lentBlocks.addAndGet(keys.size());
    Loan loan =
        new Loan(
            nextLoan.getAndIncrement(),
            node,
            request.lives().fromIncarnation(),
            deadlineNs,
            lease,
            keys);
    loans.put(loan.id(), loan);
    if (!alive.test(node)) {
      end(loan);
      return new Declined(request.id(), Reason.STRANGER);
    }
    return new Lent(
        request.id(),
        request.lives().turned(),
        loan.id(),
        ttlMs,
        regions,
        slots,
        generations,
        Arrays.copyOf(checksums.array(), checksums.position()));
  }

  private int checksumBytes(List<BlockPlace> places) {
    return places.stream()
        .mapToInt(place -> 4 * shape.groups().get(place.id().group()).layerCount())
        .sum();
  }

  /** A borrower is done; compares blocks with their checksums where it says so. */
  void giveBack(Return message) {
    Loan loan = loans.get(message.lease());
    if (loan != null
        && message.lives() != null
        && loan.node() == message.lives().from()
        && loan.incarnation() == message.lives().fromIncarnation()) {
      // What arrived broken may be broken here; bytes are believed, not the borrower.
      for (int i : message.broken() == null ? new int[0] : message.broken()) {
        if (loan.lease().pinned().get(Math.max(0, i))) {
          loan.lease().prove(Math.max(0, i));
        }
      }
      end(loan);
    }
  }

  private void end(Loan loan) {
    if (loans.remove(loan.id()) == null) {
      return;
    }
    for (LentKey key : loan.keys()) {
      lent.computeIfPresent(
          key,
          (same, block) ->
              block.loans() == 1
                  ? null
                  : new LentBlock(block.block(), block.deadlineNs(), block.loans() - 1));
    }
    loan.lease().close();
    active.decrementAndGet();
  }

  /** Ends the loans whose deadline has passed. */
  void expire() {
    long nowNs = clock.getAsLong();
    for (Loan loan : loans.values()) {
      if (nowNs - loan.deadlineNs() >= 0) {
        end(loan);
      }
    }
  }

  /**
   * Ends the loans of lives that are over.
   *
   * @param incarnations node id to its present life
   */
  void onView(Map<Long, Long> incarnations) {
    for (Loan loan : loans.values()) {
      Long life = incarnations.get(loan.node());
      if (life == null || life != loan.incarnation()) {
        end(loan);
      }
    }
  }

  @Override
  public SealedBlock find(long peerNodeId, BlockKey key) {
    LentBlock found = lent.get(new LentKey(peerNodeId, key.high(), key.low()));
    // A node that was paused asks its own clock before it serves what it once promised.
    return found == null || clock.getAsLong() - found.deadlineNs() >= 0 ? null : found.block();
  }

  /** Loans that have not ended. */
  int loanCount() {
    return loans.size();
  }

  /** Bytes of the blocks under loan, each counted once a borrower. */
  long lentBytes() {
    return lent.values().stream().mapToLong(one -> one.block().lengthBytes()).sum();
  }

  long busyCount() {
    return busy.get();
  }

  long lentBlockCount() {
    return lentBlocks.get();
  }

  /** Ends every loan. */
  void close() {
    loans.values().forEach(this::end);
  }
}
