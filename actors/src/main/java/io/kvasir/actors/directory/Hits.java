package io.kvasir.actors.directory;

import java.util.Arrays;

/** Who holds which of the keys of one lookup, while it is collected. One thread. */
final class Hits {
  static final int TIERS = 3;

  /** All tiers of an entry. */
  static final int ALL = (1 << TIERS) - 1;

  private final int wordCount;
  private Owner[] owners = new Owner[8];

  /** [owner × TIERS + tier] bits by place, or null. */
  private long[][] bits = new long[8 * TIERS][];

  private int count;
  private int last;
  private int approached;

  Hits(int keyCount) {
    wordCount = (keyCount + 63) >>> 6;
  }

  void add(Owner owner, int tiers, int place) {
    int o = find(owner);
    for (int t = 0; t < TIERS; t++) {
      if ((tiers & 1 << t) != 0) {
        int row = o * TIERS + t;
        if (bits[row] == null) {
          bits[row] = new long[wordCount];
        }
        bits[row][place >>> 6] |= 1L << place;
      }
    }
  }

  /** Keeps the result of reads that were made for their memory's sake, so that they are made. */
  void approached(int value) {
    approached = value;
  }

  /** Owners found. */
  int count() {
    return count;
  }

  Owner owner(int index) {
    return owners[index];
  }

  /** Places that an owner holds in a tier, or null. */
  long[] bits(int index, int tier) {
    return bits[index * TIERS + tier];
  }

  private int find(Owner owner) {
    if (last < count && owners[last] == owner) {
      return last;
    }
    for (last = 0; last < count; last++) {
      if (owners[last] == owner) {
        return last;
      }
    }
    if (count == owners.length) {
      owners = Arrays.copyOf(owners, 2 * count);
      bits = Arrays.copyOf(bits, 2 * count * TIERS);
    }
    owners[count] = owner;
    return count++;
  }
}
