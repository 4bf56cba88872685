package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * Several doubly linked lists over small integers, each integer in at most one list. Constant time,
 * no allocation except growth.
 */
final class IntLinks {
  static final int NONE = -1;

  private final int[] head;
  private final int[] tail;
  private int[] prev;
  private int[] next;

  IntLinks(int lists, int capacity) {
    head = new int[lists];
    tail = new int[lists];
    prev = new int[capacity];
    next = new int[capacity];
    Arrays.fill(head, NONE);
    Arrays.fill(tail, NONE);
  }

  void ensure(int capacity) {
    if (prev.length < capacity) {
      prev = Arrays.copyOf(prev, Math.max(capacity, 2 * prev.length));
      next = Arrays.copyOf(next, prev.length);
    }
  }

  int first(int list) {
    return head[list];
  }

  int next(int id) {
    return next[id];
  }

  void addFirst(int list, int id) {
    int old = head[list];
    prev[id] = NONE;
    next[id] = old;
    head[list] = id;
    if (old == NONE) {
      tail[list] = id;
    } else {
      prev[old] = id;
    }
  }

  void addLast(int list, int id) {
    int old = tail[list];
    next[id] = NONE;
    prev[id] = old;
    tail[list] = id;
    if (old == NONE) {
      head[list] = id;
    } else {
      next[old] = id;
    }
  }

  void remove(int list, int id) {
    int before = prev[id];
    int after = next[id];
    if (before == NONE) {
      head[list] = after;
    } else {
      next[before] = after;
    }
    if (after == NONE) {
      tail[list] = before;
    } else {
      prev[after] = before;
    }
  }
}
