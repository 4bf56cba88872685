package io.kvasir.actors.tier;

import io.kvasir.transport.BlockRef;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/**
 * Blocks of a {@link HostTier} that are kept; their memory may be read until it ends. Any thread.
 */
public final class HostLease implements HeldBlocks {
  /**
   * What is said of a kept block to a peer.
   *
   * @param checksums not to be written
   */
  record Kept(BlockRef ref, int[] checksums) {}

  private final HostBook book;
  final long ownerId;
  final long deadlineNs;

  /** [block of the call]; {@link SlotTable#NONE} where it is not kept. */
  final int[] handles;

  /** The same as bits; written by the book before anybody else sees the lease. */
  final BitSet pinned = new BitSet();

  /** Guarded by the book's lock. */
  boolean open;

  HostLease(HostBook book, long ownerId, long deadlineNs, int[] handles) {
    this.book = book;
    this.ownerId = ownerId;
    this.deadlineNs = deadlineNs;
    this.handles = handles;
  }

  @Override
  public BitSet pinned() {
    return (BitSet) pinned.clone();
  }

  /** Whether the tier's own clock still grants it. */
  public boolean valid() {
    synchronized (book.lock) {
      return open && book.nowNs() - deadlineNs < 0;
    }
  }

  @Override
  public MemorySegment segment(int i) {
    synchronized (book.lock) {
      return book.slots.segment(required(i));
    }
  }

  /** Where a kept block lies, for the transport. */
  public BlockRef ref(int i) {
    synchronized (book.lock) {
      return book.slots.ref(required(i));
    }
  }

  @Override
  public int[] checksums(int i) {
    synchronized (book.lock) {
      return book.slots.checksums(required(i));
    }
  }

  /**
   * Place and checksums of a kept block at once; null where it is not kept, or when the tier's own
   * clock no longer grants the lease, which another thread may end at any time.
   */
  Kept kept(int i) {
    synchronized (book.lock) {
      return valid() && handles[i] != SlotTable.NONE
          ? new Kept(book.slots.ref(handles[i]), book.slots.checksums(handles[i]))
          : null;
    }
  }

  private int required(int i) {
    if (!open || handles[i] == SlotTable.NONE) {
      throw new IllegalStateException("block " + i + " is not kept by this lease; see pinned()");
    }
    return handles[i];
  }

  /** While the tier's own clock grants the lease, slots are not written. */
  @Override
  public boolean granted(int i) {
    return valid();
  }

  /** Drops what has changed from the tier; of what a lease that has ended kept nothing is said. */
  @Override
  public boolean prove(int i) {
    MemorySegment bytes;
    int[] sealed;
    synchronized (book.lock) {
      if (!open) {
        return true;
      }
      bytes = book.slots.segment(required(i));
      sealed = book.slots.checksums(handles[i]);
    }
    if (HostTier.matches(bytes, sealed, 0, sealed.length)) {
      return true;
    }
    synchronized (book.lock) {
      if (open) {
        book.dropCorrupt(handles[i]);
      }
    }
    return false;
  }

  @Override
  public void close() {
    book.end(this);
  }
}
