package io.kvasir.actors.directory;

import java.util.Arrays;

/**
 * One part of the directory's table: keys, and for each the owners that hold it. Two primitive
 * stores with stable numbers: keys, and (key, owner) entries chained below their key and, oldest
 * announcement first, among each other. Guarded by its own monitor, which is held for one key or a
 * bounded slice.
 *
 * <p>An entry's word: tiers (bits 0–3), used since announced (4), generation (5–10), owner's slot
 * (11–26). 0 = free.
 */
final class TableSegment {
  static final int MAX_OWNERS = 1 << 16;
  static final int REFUSED = 2;
  private static final int TIERS = 0xF;
  private static final int USED = 1 << 4;
  private static final int GENERATION_SHIFT = 5;
  private static final int OWNER_SHIFT = 11;
  private static final int NONE = -1;
  private static final int FIRST_CAPACITY = 16;

  private final KeyIndex keys = new KeyIndex();
  private int[] first = new int[keys.capacity()];

  /**
   * Word (low half) and number of the next entry of the same key (high half; of a free entry the
   * next free one): a walk over the owners of a key touches one line of memory for each.
   */
  private long[] entries = new long[FIRST_CAPACITY];

  private int[] keyOf = new int[FIRST_CAPACITY];

  private int[] older = new int[FIRST_CAPACITY];
  private int[] newer = new int[FIRST_CAPACITY];
  private int free = NONE;
  private int limit;
  private int oldest = NONE;
  private int newest = NONE;

  /** Heap bytes of its arrays. */
  synchronized long bytes() {
    return (long) entries.length * Long.BYTES
        + (long) (keyOf.length + older.length + newer.length + first.length) * Integer.BYTES
        + keys.bytes();
  }

  /** Numbers of entries are below this. */
  synchronized int limit() {
    return limit;
  }

  /**
   * Makes an owner's entry of a key what was announced.
   *
   * @param tiers 0 removes it
   * @return change of the number of entries, or {@link #REFUSED} where the key has too many owners
   */
  synchronized int put(Owner owner, long high, long low, int tiers, int maxOwners) {
    int key = keys.find(high, low);
    int owners = 0;
    int before = NONE;
    for (int e = key < 0 ? NONE : first[key]; e != NONE; before = e, e = sibling(e)) {
      if (word(e) >>> OWNER_SHIFT == owner.slot()) {
        if (tiers == 0) {
          remove(e, before);
          return -1;
        }
        word(e, word(owner, tiers));
        unage(e);
        age(e);
        return 0;
      }
      owners++;
    }
    if (tiers == 0) {
      return 0;
    }
    if (owners >= maxOwners) {
      return REFUSED;
    }
    if (key < 0) {
      key = keys.add(high, low);
      if (first.length < keys.capacity()) {
        first = Arrays.copyOf(first, keys.capacity());
      }
      first[key] = NONE;
    }
    int e = allocate();
    word(e, word(owner, tiers));
    keyOf[e] = key;
    sibling(e, first[key]);
    first[key] = e;
    age(e);
    return 1;
  }

  /** Collects who holds a key. */
  synchronized void find(DirectoryTable table, long high, long low, int place, Hits hits) {
    int key = keys.find(high, low);
    for (int e = key < 0 ? NONE : first[key]; e != NONE; e = sibling(e)) {
      int word = word(e);
      Owner owner = table.owner(word >>> OWNER_SHIFT);
      int tiers = owner.visible(generation(word), word & TIERS);
      if (tiers != 0) {
        if ((word & USED) == 0) {
          word(e, word | USED);
        }
        hits.add(owner, tiers, place);
      }
    }
  }

  /** First step of {@link #approach}. */
  int guess(long high, long low) {
    return keys.guess(high, low);
  }

  /**
   * Number of a key's first entry, or -1. Asked without the monitor, so that it may be wrong: what
   * comes of it is that the memory which {@link #find} reads is near by then.
   */
  int approach(long high, long low) {
    int key = keys.glimpse(high, low);
    int[] now = first;
    return key >= 0 && key < now.length ? now[key] : NONE;
  }

  /** The entry behind an entry, or -1; as uncertain as {@link #approach}. */
  int follow(int entry) {
    long[] now = entries;
    return entry >= 0 && entry < now.length ? (int) (now[entry] >>> Integer.SIZE) : NONE;
  }

  /** Tiers under which an owner's entry is kept, visible or not. */
  synchronized int tiers(Owner owner, long high, long low) {
    int key = keys.find(high, low);
    for (int e = key < 0 ? NONE : first[key]; e != NONE; e = sibling(e)) {
      if (word(e) >>> OWNER_SHIFT == owner.slot()) {
        return word(e) & TIERS & owner.mask(generation(word(e)));
      }
    }
    return 0;
  }

  /**
   * Removes the entry that was announced longest ago; one that a lookup has named since goes to the
   * end of the queue once instead.
   *
   * @return whether there was one
   */
  synchronized boolean evict() {
    while (oldest != NONE) {
      int e = oldest;
      if ((word(e) & USED) == 0) {
        remove(e);
        return true;
      }
      word(e, word(e) & ~USED);
      unage(e);
      age(e);
    }
    return false;
  }

  /**
   * Applies the owners' masks to entries {@code [from, from + count)}.
   *
   * @param collapsed an owner whose entries all move to its present generation, or null
   * @return entries removed
   */
  synchronized int sweep(DirectoryTable table, int from, int count, Owner collapsed) {
    int removed = 0;
    for (int e = from; e < Math.min(limit, from + count); e++) {
      int word = word(e);
      if (word == 0) {
        continue;
      }
      Owner owner = table.owner(word >>> OWNER_SHIFT);
      int tiers = word & TIERS & owner.mask(generation(word));
      if (tiers == 0) {
        remove(e);
        removed++;
      } else if (owner == collapsed) {
        word(e, word(owner, tiers) | word & USED);
      } else {
        word(e, word & ~TIERS | tiers);
      }
    }
    return removed;
  }

  private int word(int e) {
    return (int) entries[e];
  }

  private void word(int e, int word) {
    entries[e] = entries[e] & ~0xFFFF_FFFFL | word & 0xFFFF_FFFFL;
  }

  private int sibling(int e) {
    return (int) (entries[e] >>> Integer.SIZE);
  }

  private void sibling(int e, int next) {
    entries[e] = (long) next << Integer.SIZE | entries[e] & 0xFFFF_FFFFL;
  }

  private static int word(Owner owner, int tiers) {
    return owner.slot() << OWNER_SHIFT | owner.generation() << GENERATION_SHIFT | tiers;
  }

  private static int generation(int word) {
    return word >>> GENERATION_SHIFT & Owner.GENERATIONS - 1;
  }

  private int allocate() {
    int e = free;
    if (e != NONE) {
      free = sibling(e);
      return e;
    }
    if (limit == entries.length) {
      int larger = limit + (limit >> 1);
      entries = Arrays.copyOf(entries, larger);
      keyOf = Arrays.copyOf(keyOf, larger);
      older = Arrays.copyOf(older, larger);
      newer = Arrays.copyOf(newer, larger);
    }
    return limit++;
  }

  private void remove(int e) {
    int before = NONE;
    for (int s = first[keyOf[e]]; s != e; s = sibling(s)) {
      before = s;
    }
    remove(e, before);
  }

  private void remove(int e, int before) {
    int key = keyOf[e];
    if (before == NONE) {
      first[key] = sibling(e);
      if (first[key] == NONE) {
        keys.remove(key);
      }
    } else {
      sibling(before, sibling(e));
    }
    unage(e);
    word(e, 0);
    sibling(e, free);
    free = e;
  }

  private void age(int e) {
    older[e] = newest;
    newer[e] = NONE;
    if (newest == NONE) {
      oldest = e;
    } else {
      newer[newest] = e;
    }
    newest = e;
  }

  private void unage(int e) {
    if (older[e] == NONE) {
      oldest = newer[e];
    } else {
      newer[older[e]] = newer[e];
    }
    if (newer[e] == NONE) {
      newest = older[e];
    } else {
      older[newer[e]] = older[e];
    }
  }
}
