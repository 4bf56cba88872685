package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * How many plain bytes ({@link TokenTrie#isPlain}) a state takes, whichever they are, without a
 * call, without a place to end, and with all its completions left. Inside a string that is any
 * number, or as many as its length allows; so whole subtrees of tokens need no look. Immutable.
 */
final class PlainRuns {
  private static final int UNKNOWN = -1;
  private static final int OPEN = -2;
  private static final int ENDLESS = Short.MAX_VALUE - 1;

  private final int[] length;

  PlainRuns(Automaton a, int[] need) {
    boolean[] plainClass = new boolean[a.classCount];
    for (int b = 0; b < 256; b++) {
      plainClass[a.classOf[b]] |= TokenTrie.isPlain(b);
    }
    length = new int[a.stateCount];
    Arrays.fill(length, UNKNOWN);
    int[] way = new int[a.stateCount];
    for (int start = 0; start < a.stateCount; start++) {
      int steps = 0;
      int q = start;
      // Each state has one successor at most, so a walk ends, or meets itself or a known state.
      while (length[q] == UNKNOWN) {
        int next = successor(a, need, plainClass, q);
        if (next < 0) {
          length[q] = 0;
        } else {
          length[q] = OPEN;
          way[steps++] = q;
          q = next;
        }
      }
      int known = length[q] == OPEN ? ENDLESS : length[q];
      while (steps > 0) {
        known = Math.min(known + 1, ENDLESS);
        length[way[--steps]] = known;
      }
    }
  }

  /** The state behind every plain byte, if that is one; -1 if not. */
  private static int successor(Automaton a, int[] need, boolean[] plainClass, int q) {
    int to = -1;
    for (int c = 0; c < a.classCount; c++) {
      if (plainClass[c]) {
        int next = a.next[q * a.classCount + c];
        if (next < 0 || (to >= 0 && next != to)) {
          return -1;
        }
        to = next;
      }
    }
    if (to < 0
        || need[to] != 0
        || (a.flags[to] & Automaton.ACCEPT) != 0
        || a.flags[q] != 0 && !callsOdd(a, q)) {
      return -1;
    }
    return to;
  }

  /** Whether a state may not end and calls only what plain bytes do not start. */
  private static boolean callsOdd(Automaton a, int q) {
    boolean odd = (a.flags[q] & Automaton.ACCEPT) == 0;
    for (int c = a.callFrom[q]; c < a.callFrom[q + 1] && odd; c++) {
      for (int b = 0; b < 256 && odd; b++) {
        odd = !TokenTrie.isPlain(b) || !a.canStart(a.callRule[c], b);
      }
    }
    return odd;
  }

  int length(int state) {
    return length[state];
  }
}
