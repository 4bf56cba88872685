package io.kvasir.actors.tier;

import io.kvasir.actors.tier.TierMessage.Lent;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.shared.PeerMemory;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.BitSet;
import java.util.function.LongSupplier;

/**
 * Blocks that a peer on this host lends where they lie: a device takes them out of its memory,
 * without a copy in this node's host tier between. They may be read until the loan ends by this
 * node's own clock (law 3), and count only with the generation that was lent (law 2). Any thread.
 */
final class NeighbourLoan implements HeldBlocks {
  private final PeerCalls calls;
  private final PeerMemory memory;
  private final Lent lent;
  private final int[][] sums;
  private final PeerMemory.View[] views;
  private final LongSupplier clock;
  private final long endNs;
  private final BitSet readable = new BitSet();
  private final BitSet broken = new BitSet();

  /** Whether the memory stays mapped for this loan; views outlive its grant, not its end. */
  private final boolean held;

  private boolean closed;

  /**
   * @param sums by place in the slice; null where nothing was lent
   * @param blockBytes of each block of the slice
   * @param granted from now
   */
  NeighbourLoan(
      PeerCalls calls,
      PeerMemory memory,
      Lent lent,
      int[][] sums,
      int[] blockBytes,
      LongSupplier clock,
      Duration granted) {
    this.calls = calls;
    this.memory = memory;
    this.lent = lent;
    this.sums = sums;
    this.clock = clock;
    this.endNs = clock.getAsLong() + granted.toNanos();
    this.views = new PeerMemory.View[sums.length];
    this.held = memory != null && memory.hold();
    for (int i = 0; i < sums.length && held; i++) {
      if (sums[i] != null) {
        BlockRef ref = new BlockRef(lent.regions()[i], lent.slots()[i], lent.generations()[i]);
        views[i] = memory.view(ref, blockBytes[i]);
        readable.set(i, views[i] != null);
      }
    }
  }

  /** A peer's answer that lends none of so many blocks. */
  static NeighbourLoan none(int count) {
    return new NeighbourLoan(
        null, null, null, new int[count][], new int[count], () -> 0, Duration.ZERO);
  }

  /** Whether anything was lent at a place. */
  boolean lends(int i) {
    return sums[i] != null;
  }

  /** What was lent and can be read here. */
  @Override
  public BitSet pinned() {
    return (BitSet) readable.clone();
  }

  @Override
  public MemorySegment segment(int i) {
    return views[required(i)].bytes();
  }

  @Override
  public int[] checksums(int i) {
    return sums[required(i)];
  }

  private int required(int i) {
    if (!readable.get(i)) {
      throw new IllegalStateException("block " + i + " is not lent; see pinned()");
    }
    return i;
  }

  @Override
  public boolean granted(int i) {
    synchronized (this) {
      if (closed) {
        return false;
      }
    }
    return clock.getAsLong() - endNs < 0 && views[required(i)].holds();
  }

  @Override
  public boolean prove(int i) {
    if (!granted(i)) {
      return false;
    }
    boolean whole;
    try {
      whole = HostTier.matches(segment(i), sums[i], 0, sums[i].length);
    } catch (InternalError gone) {
      return false;
    }
    // What has been renewed meanwhile is not the lender's fault.
    if (!whole && granted(i)) {
      synchronized (this) {
        broken.set(i);
      }
    }
    return whole;
  }

  /** So many bytes were read and proven. */
  void taken(long bytes) {
    memory.taken(bytes);
  }

  /** Gives the loan back, with what the lender should look at. */
  @Override
  public void close() {
    int[] bad;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      bad = broken.stream().toArray();
    }
    if (held) {
      memory.release();
    }
    if (lent != null) {
      calls.giveBack(lent, bad);
    }
  }
}
