package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.LayerRange;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;

/**
 * Blocks in this host's memory, outside the heap. Any thread; {@link HostBook} keeps the books,
 * this moves the bytes.
 *
 * <p>Bytes come in two ways: {@link #store} copies and proves them; {@link #reserve} hands out
 * slots that the device or the transport fills, and {@link HostFilling#commit} makes them blocks. A
 * block keeps the checksums of its sealing; they are checked when it leaves, so memory that has
 * changed is found then, dropped and counted.
 */
public final class HostTier implements BlockTier, AutoCloseable {
  private final BlockShape shape;
  private final Executor copier;
  private final HostBook book;

  /**
   * An empty tier.
   *
   * @param capacityBytes most memory for blocks; taken in pieces as it fills
   * @param registrar makes memory known to the transport
   * @param copier runs copies and checks
   * @param clock monotonic, ns
   * @param listener hears which blocks come and go, under the lock
   */
  HostTier(
      BlockShape shape,
      long capacityBytes,
      int maxLeases,
      SlabMemory.Registrar registrar,
      Executor copier,
      LongSupplier clock,
      SlotTable.Listener listener) {
    this(
        shape, capacityBytes, SlabMemory.MAX_PIECES, maxLeases, registrar, copier, clock, listener);
  }

  /**
   * The same beside other tiers on one transport.
   *
   * @param maxPieces in which memory of one slot length is taken, each a region of the transport
   */
  HostTier(
      BlockShape shape,
      long capacityBytes,
      int maxPieces,
      int maxLeases,
      SlabMemory.Registrar registrar,
      Executor copier,
      LongSupplier clock,
      SlotTable.Listener listener) {
    this.shape = shape;
    this.copier = copier;
    this.book =
        new HostBook(shape, capacityBytes, maxPieces, maxLeases, registrar, clock, listener);
  }

  @Override
  public Residence residence() {
    return Residence.HOST;
  }

  @Override
  public BlockShape shape() {
    return shape;
  }

  /** {@link #lookup}, at once. */
  public BitSet find(List<BlockPlace> blocks) {
    return book.find(blocks);
  }

  @Override
  public CompletionStage<BitSet> lookup(List<BlockPlace> blocks, Duration deadline) {
    return CompletableFuture.completedFuture(find(blocks));
  }

  /** {@link #pin}, at once; pins nothing when there are too many leases. */
  public HostLease keep(List<BlockPlace> blocks, long ownerId, Duration ttl) {
    return book.keep(blocks, ownerId, ttl);
  }

  @Override
  public CompletionStage<HostLease> pin(List<BlockPlace> blocks, long ownerId, Duration ttl) {
    return CompletableFuture.completedFuture(keep(blocks, ownerId, ttl));
  }

  /** Ends every lease of an owner. */
  public void release(long ownerId) {
    book.release(ownerId);
  }

  /** Ends the leases whose deadline has passed. */
  public void expire() {
    book.expire();
  }

  /** Slots for blocks that the caller is about to bring in, in the order of a chain. */
  public HostFilling reserve(List<BlockPlace> blocks) {
    return book.reserve(blocks);
  }

  @Override
  public CompletionStage<List<int[]>> load(
      List<Target> targets, LayerRange layers, Duration deadline) {
    List<BlockPlace> places = targets.stream().map(Target::place).toList();
    HostLease lease = keep(places, 0, deadline);
    CompletableFuture<List<int[]>> answer = new CompletableFuture<>();
    boolean queued =
        run(
            () -> {
              try (lease) {
                answer.complete(copyOut(targets, layers, lease));
              } catch (RuntimeException | Error failed) {
                answer.complete(Arrays.asList(new int[targets.size()][]));
                throw failed;
              }
            });
    if (!queued) {
      lease.close();
      answer.complete(Arrays.asList(new int[targets.size()][]));
    }
    return answer;
  }

  private boolean run(Runnable work) {
    try {
      copier.execute(work);
      return true;
    } catch (RejectedExecutionException stopping) {
      return false;
    }
  }

  private List<int[]> copyOut(List<Target> targets, LayerRange layers, HostLease lease) {
    int[][] loaded = new int[targets.size()][];
    for (int i = lease.pinned.nextSetBit(0); i >= 0; i = lease.pinned.nextSetBit(i + 1)) {
      if (!lease.valid()) {
        break;
      }
      int[] sealed = lease.checksums(i);
      int limit = layers.limit() == 0 ? sealed.length : layers.limit();
      MemorySegment source = lease.segment(i);
      if (limit > sealed.length) {
        continue;
      }
      long layerBytes = source.byteSize() / sealed.length;
      long from = layers.first() * layerBytes;
      long length = (limit - layers.first()) * layerBytes;
      MemorySegment target = targets.get(i).memory();
      MemorySegment.copy(source, from, target, from, length);
      if (matches(target.asSlice(0, source.byteSize()), sealed, layers.first(), limit)) {
        loaded[i] = sealed.clone();
      } else {
        lease.prove(i);
      }
    }
    return Arrays.asList(loaded);
  }

  /** Whether layers [first, limit) have their checksums. */
  static boolean matches(MemorySegment block, int[] checksums, int first, int limit) {
    ByteBuffer bytes = block.asByteBuffer();
    int layerBytes = bytes.capacity() / checksums.length;
    CRC32C crc = new CRC32C();
    for (int layer = first; layer < limit; layer++) {
      bytes.limit((layer + 1) * layerBytes).position(layer * layerBytes);
      crc.reset();
      crc.update(bytes);
      if ((int) crc.getValue() != checksums[layer]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public CompletionStage<BitSet> store(List<Sealed> blocks, Duration deadline) {
    List<BlockPlace> places = blocks.stream().map(Sealed::place).toList();
    HostFilling filling = reserve(places);
    CompletableFuture<Void> copied = new CompletableFuture<>();
    Runnable copy =
        () -> {
          int[][] kept = new int[blocks.size()][];
          try {
            for (int i = 0; i < kept.length; i++) {
              if (filling.outcome(i) == HostFilling.Outcome.RESERVED) {
                kept[i] = copyIn(blocks.get(i), filling.segment(i));
              }
            }
          } finally {
            filling.commit(Arrays.asList(kept));
            copied.complete(null);
          }
        };
    if (!run(copy)) {
      filling.abandon();
      copied.complete(null);
    }
    return copied
        .thenCombine(
            filling.others().completeOnTimeout(null, deadline.toNanos(), TimeUnit.NANOSECONDS),
            (mine, theirs) -> null)
        .thenApply(done -> present(places));
  }

  private int[] copyIn(Sealed block, MemorySegment slot) {
    if (block.memory().byteSize() < slot.byteSize()) {
      return null;
    }
    MemorySegment.copy(block.memory(), 0, slot, 0, slot.byteSize());
    int[] sums = block.layerChecksums();
    int layers = shape.groups().get(block.place().id().group()).layerCount();
    return sums.length == layers && matches(slot, sums, 0, layers) ? sums.clone() : null;
  }

  /** Which of the blocks are here; that does not count as a use. */
  BitSet present(List<BlockPlace> places) {
    return book.present(places);
  }

  @Override
  public CompletionStage<BitSet> evict(List<BlockPlace> blocks, Duration deadline) {
    return CompletableFuture.completedFuture(book.evict(blocks));
  }

  /**
   * Drops every block that nobody keeps, and those on their way in when they arrive; returns how
   * many were dropped at once.
   */
  public int clear() {
    return book.clear();
  }

  public TierStats stats() {
    return book.stats();
  }

  /**
   * Ends all leases and takes nothing more. The memory is given back when nobody fills or reads it
   * any more, which {@link #freed} tells.
   */
  @Override
  public void close() {
    book.close();
  }

  /** Completes after {@link #close} when the memory is given back. */
  public CompletableFuture<Void> freed() {
    return book.freed();
  }
}
