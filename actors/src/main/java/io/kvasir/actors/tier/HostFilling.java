package io.kvasir.actors.tier;

import io.kvasir.transport.BlockRef;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Slots of a {@link HostTier} being filled. {@link #commit} must follow, once, when nobody writes
 * into them any more; one thread at a time.
 */
public final class HostFilling {
  /** What became of a block that somebody wants to bring in. */
  public enum Outcome {
    /** The slot is the caller's to fill. */
    RESERVED,
    /** It is here. */
    PRESENT,
    /** Somebody else is bringing it in. */
    UNDER_WAY,
    /** Every slot is in use. */
    FULL
  }

  private final HostBook book;
  private final List<BlockPlace> blocks;

  /** [block of the call]; {@link SlotTable#NONE} where nothing is reserved. */
  final int[] handles;

  final Outcome[] outcomes;

  /** One for each block that somebody else is bringing in. */
  final List<CompletableFuture<Void>> others = new ArrayList<>();

  /** How often the tier had been cleared before. */
  int begunAfterClears;

  /** Guarded by the book's lock. */
  boolean done;

  HostFilling(HostBook book, List<BlockPlace> blocks) {
    this.book = book;
    this.blocks = List.copyOf(blocks);
    this.handles = new int[blocks.size()];
    this.outcomes = new Outcome[blocks.size()];
    Arrays.fill(handles, SlotTable.NONE);
  }

  public List<BlockPlace> blocks() {
    return blocks;
  }

  public Outcome outcome(int i) {
    return outcomes[i];
  }

  /** How many are the caller's to fill. */
  public int reserved() {
    return (int) Arrays.stream(outcomes).filter(o -> o == Outcome.RESERVED).count();
  }

  /** Where a reserved block goes. */
  public MemorySegment segment(int i) {
    synchronized (book.lock) {
      return book.slots.segment(handles[i]);
    }
  }

  /** The same, for the transport. */
  public BlockRef ref(int i) {
    synchronized (book.lock) {
      return book.slots.ref(handles[i]);
    }
  }

  /** Completes when what others are bringing in is here or has failed. */
  public CompletableFuture<Void> others() {
    return CompletableFuture.allOf(others.toArray(CompletableFuture[]::new));
  }

  /**
   * Makes filled slots blocks and frees the others.
   *
   * @param checksums per block of the call those of its sealing, or null where the slot was not
   *     filled; owned by the tier
   */
  public void commit(List<int[]> checksums) {
    book.commit(this, checksums);
  }

  /** Frees all that was reserved, unless it was committed. */
  public void abandon() {
    synchronized (book.lock) {
      if (done) {
        return;
      }
    }
    commit(Arrays.asList(new int[handles.length][]));
  }
}
