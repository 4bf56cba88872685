package io.kvasir.transport;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Off-heap memory registered with a transport: {@code slotCount} slots of {@code slotBytes}, each
 * with a generation. May be larger than 2 GiB; a slot may not.
 *
 * <p>The memory belongs to the caller. Any thread may call; the owner of a slot renews its
 * generation <em>before</em> it writes other content into it, so that a transfer that still reads
 * the old content finds out. A slot named as a destination belongs to the transport until the
 * transfer's verdict.
 */
public final class Region {
  private static final int CLOSING = 1 << 30;
  private static final VarHandle GENERATION = ValueLayout.JAVA_INT.varHandle();

  private final int id;
  private final MemorySegment memory;
  private final int slotBytes;
  private final MemorySegment generations;
  private final int slotCount;
  private final AtomicInteger state = new AtomicInteger();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /**
   * Wraps memory; {@link BlockTransport#register} is the public way.
   *
   * @throws IllegalArgumentException if the memory is on heap, not writable, not shareable between
   *     threads, or not a multiple of {@code slotBytes}
   */
  public Region(int id, MemorySegment memory, int slotBytes) {
    this(id, memory, slotBytes, null);
  }

  /**
   * The same with its generations where others may read them.
   *
   * @param generations four bytes a slot in the machine's order, at least as long-lived as the
   *     region; null = the region's own
   */
  public Region(int id, MemorySegment memory, int slotBytes, MemorySegment generations) {
    if (!memory.isNative() || memory.isReadOnly()) {
      throw new IllegalArgumentException(
          "region " + id + " is not writable native memory; allocate it in a shared Arena");
    }
    if (slotBytes < 1 || memory.byteSize() < slotBytes || memory.byteSize() % slotBytes != 0) {
      throw new IllegalArgumentException(
          "memoryBytes="
              + memory.byteSize()
              + " is not a positive multiple of slotBytes="
              + slotBytes);
    }
    if (!memory.isAccessibleBy(new Thread(() -> {}))) {
      throw new IllegalArgumentException(
          "region " + id + " is confined to one thread; allocate it in a shared Arena");
    }
    this.id = id;
    this.memory = memory;
    this.slotBytes = slotBytes;
    this.slotCount = Math.toIntExact(memory.byteSize() / slotBytes);
    this.generations =
        generations == null ? MemorySegment.ofArray(new int[slotCount]) : generations;
    if (this.generations.byteSize() != (long) Integer.BYTES * slotCount) {
      throw new IllegalArgumentException(
          "generationsBytes="
              + this.generations.byteSize()
              + " for slotCount="
              + slotCount
              + "; give four bytes a slot");
    }
  }

  /** Id, unique within the transport. */
  public int id() {
    return id;
  }

  /** Bytes of a slot. */
  public int slotBytes() {
    return slotBytes;
  }

  /** Slots in the region. */
  public int slotCount() {
    return slotCount;
  }

  /** The registered memory. */
  public MemorySegment memory() {
    return memory;
  }

  /** Current generation of a slot. */
  public int generation(int slot) {
    return (int) GENERATION.getVolatile(generations, (long) Integer.BYTES * slot);
  }

  /** Ends the life of a slot's content; returns the new generation. */
  public int renew(int slot) {
    int before = (int) GENERATION.getAndAdd(generations, (long) Integer.BYTES * slot, 1);
    // Who reads the memory without a lock must not see the next content under this generation.
    VarHandle.storeStoreFence();
    return before + 1;
  }

  /** A reference to the slot as it is now. */
  public BlockRef ref(int slot) {
    return new BlockRef(id, slot, generation(slot));
  }

  /** The slot's bytes; a new view each call. */
  public ByteBuffer slotView(int slot) {
    return memory.asSlice((long) slot * slotBytes, slotBytes).asByteBuffer();
  }

  /** Address of the slot's first byte; valid while a lease is held. */
  public long slotAddress(int slot) {
    if (slot < 0 || slot >= slotCount) {
      throw new IndexOutOfBoundsException("slot=" + slot + " of slotCount=" + slotCount());
    }
    return memory.address() + (long) slot * slotBytes;
  }

  /** Leases held now. */
  public int leaseCount() {
    return state.get() & ~CLOSING;
  }

  /** A lease, or null when the region is closing. */
  public RegionLease lease() {
    while (true) {
      int seen = state.get();
      if ((seen & CLOSING) != 0) {
        return null;
      }
      if (state.compareAndSet(seen, seen + 1)) {
        return new RegionLease(this);
      }
    }
  }

  /** Whether {@link #close} was called. */
  public boolean isClosing() {
    return (state.get() & CLOSING) != 0;
  }

  /**
   * Grants no lease any more; the future completes when the last one has ended. Only then may the
   * memory be freed. Transfers over the region end at their deadline at the latest.
   */
  public CompletableFuture<Void> close() {
    int before = state.getAndUpdate(seen -> seen | CLOSING);
    if ((before & ~CLOSING) == 0) {
      closed.complete(null);
    }
    return closed;
  }

  /** Completes when {@link #close} was called and the last lease has ended. */
  public CompletionStage<Void> ended() {
    return closed.minimalCompletionStage();
  }

  void release() {
    int after = state.decrementAndGet();
    if (after == CLOSING) {
      closed.complete(null);
    }
  }
}
