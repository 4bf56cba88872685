package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * Call stacks as a tree that grows upwards: a stack is the number of its top frame, equal stacks
 * have equal numbers. {@link #BOTTOM} is the empty stack. One thread; grows by doubling only.
 */
final class StackArena {
  static final int BOTTOM = 0;

  private int[] back = new int[64];
  private int[] below = new int[64];
  private int[] depth = new int[64];
  private int[] table = new int[256];
  private int count = 1;

  /** Forgets all stacks but the empty one, whose depth becomes {@code bottomDepth}. */
  void reset(int bottomDepth) {
    if (count > 1) {
      Arrays.fill(table, 0);
    }
    count = 1;
    depth[BOTTOM] = bottomDepth;
  }

  /** The stack with one more frame, which returns to state {@code back}. */
  int push(int back, int below) {
    int mask = table.length - 1;
    int at = hash(back, below) & mask;
    for (int s = table[at]; s != 0; s = table[at]) {
      if (this.back[s] == back && this.below[s] == below) {
        return s;
      }
      at = at + 1 & mask;
    }
    if (count == this.back.length) {
      grow();
      return push(back, below);
    }
    this.back[count] = back;
    this.below[count] = below;
    depth[count] = depth[below] + 1;
    table[at] = count;
    return count++;
  }

  private void grow() {
    int size = 2 * count;
    back = Arrays.copyOf(back, size);
    below = Arrays.copyOf(below, size);
    depth = Arrays.copyOf(depth, size);
    table = new int[4 * size];
    for (int s = 1; s < count; s++) {
      int at = hash(back[s], below[s]) & table.length - 1;
      while (table[at] != 0) {
        at = at + 1 & table.length - 1;
      }
      table[at] = s;
    }
  }

  private static int hash(int back, int below) {
    int h = back * 0x9E3779B1 + below * 0x85EBCA77;
    return h ^ h >>> 15;
  }

  /** The state that the top frame returns to. */
  int back(int stack) {
    return back[stack];
  }

  int below(int stack) {
    return below[stack];
  }

  int depth(int stack) {
    return depth[stack];
  }

  int count() {
    return count;
  }
}
