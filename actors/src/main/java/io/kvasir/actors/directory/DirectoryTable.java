package io.kvasir.actors.directory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What one copy of the directory knows: entries (key, owner) → tiers, in primitive arrays that grow
 * with their number up to a bound. Beyond it the entry that was announced longest ago makes room.
 *
 * <p>One thread writes; {@link #find} may be called by any thread beside it, and waits at most for
 * a bounded slice of one of many segments. An owner that is hidden, cleared or removed disappears
 * from answers at once; its entries go in slices of {@link #sweep}.
 */
final class DirectoryTable {
  private static final int SEGMENT_ENTRIES = 32_768;
  private static final int MAX_SEGMENTS = 1024;

  /** Keys of a lookup for which it pays to {@link #approach} them. */
  private static final int APPROACHED = 8;

  private final long maxEntries;
  private final int maxOwnersPerKey;
  private final TableSegment[] segments;
  private final int segmentShift;

  /** [slot]; replaced when it grows, entries before any table entry names them. */
  private volatile Owner[] owners = new Owner[8];

  private volatile long entryCount;
  private volatile long evictedCount;
  private volatile long refusedCount;

  /** Counts what makes a sweep necessary. */
  private long changes;

  private long sweptUpTo;
  private long passStart = -1;
  private int sweepSegment;
  private int sweepEntry;
  private int evictSegment;

  /**
   * @param maxEntries (key, owner) pairs
   * @param maxOwnersPerKey owners of one key; further ones are not recorded
   */
  DirectoryTable(long maxEntries, int maxOwnersPerKey) {
    this.maxEntries = maxEntries;
    this.maxOwnersPerKey = maxOwnersPerKey;
    long wanted = Math.clamp(maxEntries / SEGMENT_ENTRIES, 2, MAX_SEGMENTS);
    int count = Integer.highestOneBit((int) wanted);
    segments = new TableSegment[count];
    Arrays.setAll(segments, i -> new TableSegment());
    segmentShift = 64 - Integer.numberOfTrailingZeros(count);
  }

  /** Entries in it, those waiting to be swept included. */
  long entryCount() {
    return entryCount;
  }

  /** Heap bytes that the entries take. */
  long bytes() {
    long bytes = 0;
    for (TableSegment segment : segments) {
      bytes += segment.bytes();
    }
    return bytes;
  }

  /** Entries that made room for newer ones. */
  long evictedCount() {
    return evictedCount;
  }

  /** Entries not recorded because their key had too many owners. */
  long refusedCount() {
    return refusedCount;
  }

  /** Adds a life of a node; writer only. Null when there are too many. */
  Owner addOwner(long nodeId, long incarnation) {
    Owner[] now = owners;
    int slot = 0;
    while (slot < now.length && now[slot] != null) {
      slot++;
    }
    if (slot == TableSegment.MAX_OWNERS) {
      return null;
    }
    Owner[] next = Arrays.copyOf(now, slot < now.length ? now.length : 2 * slot);
    next[slot] = new Owner(slot, nodeId, incarnation);
    owners = next;
    return next[slot];
  }

  /**
   * Owner of a slot. An owner is in the array before an entry names it and leaves it after the last
   * one did: ask while holding the segment of such an entry.
   */
  Owner owner(int slot) {
    return owners[slot];
  }

  /** Owners whose life is not over; writer only. */
  List<Owner> owners() {
    List<Owner> found = new ArrayList<>();
    for (Owner owner : owners) {
      if (owner != null && !owner.isDoomed()) {
        found.add(owner);
      }
    }
    return found;
  }

  /** Applies an announcement; writer only. {@code tiers} 0 removes. */
  void put(Owner owner, long high, long low, int tiers) {
    int change = segment(high, low).put(owner, high, low, tiers, maxOwnersPerKey);
    if (change == TableSegment.REFUSED) {
      refusedCount = refusedCount + 1;
    } else if (change != 0) {
      entryCount = entryCount + change;
      if (entryCount > maxEntries) {
        evict(high, low);
      }
    }
  }

  /** Collects who holds {@code keys} (high and low in turn), by their place; any thread. */
  Hits find(long[] keys) {
    int count = keys.length / 2;
    Hits hits = new Hits(count);
    if (count >= APPROACHED) {
      hits.approached(approach(keys, count));
    }
    for (int i = 0; i < count; i++) {
      long high = keys[2 * i];
      long low = keys[2 * i + 1];
      segment(high, low).find(this, high, low, i, hits);
    }
    return hits;
  }

  /**
   * Brings near what {@link #find} is going to read: cell, key, entries. Each is in another line of
   * memory that only the one before names, so that key by key a lookup waits for all of them in
   * turn; step by step the reads of all keys are under way at once.
   *
   * @return what must be used so that the reads are not left out
   */
  private int approach(long[] keys, int count) {
    TableSegment[] in = new TableSegment[count];
    int[] at = new int[count];
    int used = 0;
    for (int i = 0; i < count; i++) {
      in[i] = segment(keys[2 * i], keys[2 * i + 1]);
      used += in[i].guess(keys[2 * i], keys[2 * i + 1]);
    }
    for (int i = 0; i < count; i++) {
      at[i] = in[i].approach(keys[2 * i], keys[2 * i + 1]);
    }
    int further = count;
    for (int step = 0; step < maxOwnersPerKey && further > 0; step++) {
      further = 0;
      for (int i = 0; i < count; i++) {
        at[i] = in[i].follow(at[i]);
        further += at[i] >= 0 ? 1 : 0;
      }
      used += further;
    }
    return used;
  }

  /** Tiers under which an owner's key is kept, hidden owners included; any thread. */
  int tiers(Owner owner, long high, long low) {
    return segment(high, low).tiers(owner, high, low);
  }

  /** A snapshot of an owner begins; writer only. */
  void begin(Owner owner, int clearedTiers) {
    if (!owner.hasFreeGeneration()) {
      collapse(owner);
    }
    owner.begin(clearedTiers, ++changes);
  }

  /** A snapshot is complete: entries it did not repeat are gone; writer only. */
  void end(Owner owner) {
    owner.end(++changes);
  }

  /** The owner's life is over: its entries are gone; writer only. */
  void doom(Owner owner) {
    owner.doom(++changes);
  }

  /** Whether {@link #sweep} has work; writer only. */
  boolean needsSweep() {
    return passStart >= 0 || changes > sweptUpTo;
  }

  /** Removes what no longer counts among the next {@code count} entries; writer only. */
  void sweep(int count) {
    if (passStart < 0) {
      if (changes == sweptUpTo) {
        return;
      }
      passStart = changes;
      sweepSegment = 0;
      sweepEntry = 0;
    }
    TableSegment segment = segments[sweepSegment];
    entryCount = entryCount - segment.sweep(this, sweepEntry, count, null);
    sweepEntry += count;
    if (sweepEntry >= segment.limit()) {
      sweepEntry = 0;
      if (++sweepSegment == segments.length) {
        endPass();
      }
    }
  }

  private void endPass() {
    Owner[] next = owners.clone();
    for (Owner owner : owners) {
      if (owner != null && owner.changedAt() <= passStart) {
        if (owner.isDoomed()) {
          next[owner.slot()] = null;
        } else {
          owner.swept();
        }
      }
    }
    owners = next;
    sweptUpTo = passStart;
    passStart = -1;
  }

  private void collapse(Owner owner) {
    for (TableSegment segment : segments) {
      entryCount = entryCount - segment.sweep(this, 0, segment.limit(), owner);
    }
    owner.collapse();
  }

  private void evict(long high, long low) {
    TableSegment segment = segment(high, low);
    while (!segment.evict()) {
      segment = segments[evictSegment = (evictSegment + 1) % segments.length];
    }
    entryCount = entryCount - 1;
    evictedCount = evictedCount + 1;
  }

  private TableSegment segment(long high, long low) {
    return segments[(int) (Mix.mix64(high ^ low) >>> segmentShift)];
  }
}
