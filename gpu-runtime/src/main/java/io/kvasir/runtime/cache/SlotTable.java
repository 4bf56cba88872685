package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * Equal slots inside containers: pages inside slabs, or head frames inside a carved page. Slot
 * number = container × stride + place. Every slot has a generation that moves on when the slot is
 * taken (odd: live) and when it is given back (even: free), so that a handle {@code generation <<
 * 32 | slot} proves which life of the slot it means. Handle 0 is never given out.
 */
final class SlotTable {
  private static final int NONE = -1;

  private final int stride;
  private int[] generation;
  private int[] nextFree;
  private int[] freeHead;
  private int[] fresh;
  private int[] used;
  private int[] capacity;

  SlotTable(int stride, int containers) {
    this.stride = stride;
    generation = new int[stride * containers];
    nextFree = new int[stride * containers];
    freeHead = new int[containers];
    fresh = new int[containers];
    used = new int[containers];
    capacity = new int[containers];
  }

  static int slot(long handle) {
    return (int) handle;
  }

  int slots() {
    return generation.length;
  }

  void ensureContainers(int containers) {
    if (used.length < containers) {
      int grown = Math.max(containers, 2 * used.length);
      generation = Arrays.copyOf(generation, Math.multiplyExact(grown, stride));
      nextFree = Arrays.copyOf(nextFree, grown * stride);
      freeHead = Arrays.copyOf(freeHead, grown);
      fresh = Arrays.copyOf(fresh, grown);
      used = Arrays.copyOf(used, grown);
      capacity = Arrays.copyOf(capacity, grown);
    }
  }

  /** Prepares an empty container for {@code slots} slots. Generations of its slots go on. */
  void open(int container, int slots) {
    freeHead[container] = NONE;
    fresh[container] = 0;
    used[container] = 0;
    capacity[container] = slots;
  }

  int container(int slot) {
    return slot / stride;
  }

  int place(int slot) {
    return slot % stride;
  }

  int used(int container) {
    return used[container];
  }

  boolean isFull(int container) {
    return used[container] == capacity[container];
  }

  /** Takes a slot of a container that is not full; returns its handle. */
  long take(int container) {
    int slot = freeHead[container];
    if (slot == NONE) {
      slot = container * stride + fresh[container]++;
    } else {
      freeHead[container] = nextFree[slot];
    }
    used[container]++;
    int life = ++generation[slot];
    return ((long) life << 32) | slot;
  }

  /** Gives a live slot back; every handle to it is stale from here on. */
  void give(long handle) {
    int slot = check(handle);
    int container = container(slot);
    generation[slot]++;
    nextFree[slot] = freeHead[container];
    freeHead[container] = slot;
    used[container]--;
  }

  /** The slot of a live handle; a stale one throws. */
  int check(long handle) {
    int slot = (int) handle;
    int expected = (int) (handle >>> 32);
    if (handle == 0 || slot < 0 || slot >= generation.length || generation[slot] != expected) {
      int actual = slot >= 0 && slot < generation.length ? generation[slot] : 0;
      throw new StalePageException(slot, expected, actual);
    }
    return slot;
  }

  /** The current handle of a live slot. */
  long handle(int slot) {
    return ((long) generation[slot] << 32) | slot;
  }
}
