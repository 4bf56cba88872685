package io.kvasir.actors.directory;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * The truth about this node: which block is in which of its tiers, and the root that places it. In
 * primitive arrays, bounded. Any thread; a call holds one of many segments for one key or a bounded
 * slice. A change is told to the sink while its segment is held, so that nobody sees the one
 * without the other.
 */
final class OwnSet {
  private static final int SEGMENTS = 256;

  /** Numbers visited while a segment is held. */
  private static final int SCAN_SLICE = 512;

  /** Learns that a block's tiers may have changed. Must not block. */
  @FunctionalInterface
  interface Sink {
    void changed(long high, long low, long root);
  }

  /** Takes a block of a scan; false ends it behind this block. */
  @FunctionalInterface
  interface Visitor {
    boolean visit(long high, long low, long root, int tiers);
  }

  /** Where a scan stands. */
  static final class Cursor {
    private int segment;
    private int number;

    boolean atEnd() {
      return segment == SEGMENTS;
    }
  }

  private final class Segment {
    private final KeyIndex keys = new KeyIndex();
    private long[] roots = new long[keys.capacity()];

    /** 0 = free. */
    private byte[] tiers = new byte[keys.capacity()];

    private final int[] clears = new int[Hits.TIERS];
    private int clearCount;

    synchronized void add(long high, long low, long root, int tier) {
      applyClears();
      int n = keys.find(high, low);
      if (n < 0) {
        if (count.incrementAndGet() > maxEntries) {
          count.decrementAndGet();
          refused.increment();
          return;
        }
        n = keys.add(high, low);
        if (roots.length < keys.capacity()) {
          roots = Arrays.copyOf(roots, keys.capacity());
          tiers = Arrays.copyOf(tiers, keys.capacity());
        }
      } else if ((tiers[n] & 1 << tier) != 0) {
        return;
      }
      roots[n] = root;
      tiers[n] |= (byte) (1 << tier);
      sink.changed(high, low, root);
    }

    synchronized void remove(long high, long low, int tier) {
      applyClears();
      int n = keys.find(high, low);
      if (n >= 0 && (tiers[n] & 1 << tier) != 0) {
        long root = roots[n];
        drop(n, 1 << tier);
        sink.changed(high, low, root);
      }
    }

    synchronized int tiers(long high, long low) {
      applyClears();
      int n = keys.find(high, low);
      return n < 0 ? 0 : tiers[n];
    }

    synchronized void applyClears() {
      if (clearCount == clearTotal.get()) {
        return;
      }
      clearCount = clearTotal.get();
      int cleared = 0;
      for (int t = 0; t < Hits.TIERS; t++) {
        int now = OwnSet.this.clears.get(t);
        cleared |= clears[t] == now ? 0 : 1 << t;
        clears[t] = now;
      }
      for (int n = 0; n < keys.limit(); n++) {
        if ((tiers[n] & cleared) != 0) {
          drop(n, cleared);
        }
      }
    }

    /** Visits at most {@code limit} numbers; returns what is left of it, or -1: ended. */
    synchronized int scan(Cursor cursor, int limit, Visitor visitor) {
      applyClears();
      int left = limit;
      while (left > 0 && cursor.number < keys.limit()) {
        int n = cursor.number++;
        left--;
        if (tiers[n] != 0 && !visitor.visit(keys.high(n), keys.low(n), roots[n], tiers[n])) {
          return -1;
        }
      }
      if (cursor.number >= keys.limit()) {
        cursor.segment++;
        cursor.number = 0;
      }
      return left;
    }

    private void drop(int n, int gone) {
      tiers[n] &= (byte) ~gone;
      if (tiers[n] == 0) {
        keys.remove(n);
        count.decrementAndGet();
      }
    }
  }

  private final int maxEntries;
  private final Sink sink;
  private final Segment[] segments = new Segment[SEGMENTS];
  private final AtomicInteger count = new AtomicInteger();
  private final LongAdder refused = new LongAdder();
  private final AtomicIntegerArray clears = new AtomicIntegerArray(Hits.TIERS);
  private final AtomicInteger clearTotal = new AtomicInteger();

  OwnSet(int maxEntries, Sink sink) {
    this.maxEntries = maxEntries;
    this.sink = sink;
    Arrays.setAll(segments, i -> new Segment());
  }

  /** Blocks in it. */
  int count() {
    return count.get();
  }

  /** Blocks left out because it was full. */
  long refusedCount() {
    return refused.sum();
  }

  /** A block appeared in a tier. */
  void add(long high, long low, long root, int tier) {
    segment(high, low).add(high, low, root, tier);
  }

  /** A block left a tier. */
  void remove(long high, long low, int tier) {
    segment(high, low).remove(high, low, tier);
  }

  /**
   * A tier was emptied: its blocks are gone at once, their memory as their segments are touched.
   * The sink hears nothing.
   */
  void clear(int tier) {
    clears.incrementAndGet(tier);
    clearTotal.incrementAndGet();
  }

  /** Tiers that hold a block, as bits. */
  int tiers(long high, long low) {
    return segment(high, low).tiers(high, low);
  }

  /**
   * Visits blocks from a cursor on, at most {@code limit} numbers, or until the visitor ends it.
   */
  void scan(Cursor cursor, int limit, Visitor visitor) {
    int left = limit;
    while (left > 0 && !cursor.atEnd()) {
      int slice = Math.min(left, SCAN_SLICE);
      int rest = segments[cursor.segment].scan(cursor, slice, visitor);
      if (rest < 0) {
        return;
      }
      left -= slice - rest;
    }
  }

  private Segment segment(long high, long low) {
    return segments[(int) (Mix.mix64(high ^ low) >>> 56)];
  }
}
