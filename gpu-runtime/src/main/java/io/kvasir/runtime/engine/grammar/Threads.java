package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * Readings of a text, each a state and a stack of calls, in runs of two flat arrays. A step reads
 * one byte with every reading of a run and appends those that survive. Calls and returns happen
 * when a byte asks for them, so a run holds no more than the real ambiguity. One thread.
 */
final class Threads {
  final Automaton automaton;
  final StackArena arena;
  private final int[] need;
  int[] state = new int[64];
  int[] stack = new int[64];

  /** Open calls allowed above the frame of depth 0. */
  int slack;

  /** The largest slack that any decision so far asked for. */
  int demand;

  private int runStart;
  private int runEnd;

  /**
   * @param need of each state with the vocabulary in use
   */
  Threads(Automaton automaton, int[] need, StackArena arena) {
    this.automaton = automaton;
    this.need = need;
    this.arena = arena;
  }

  /** Reads a byte with the readings in [from, end) and appends the outcome; its end. */
  int step(int from, int end, int unsignedByte) {
    runStart = end;
    runEnd = end;
    for (int i = from; i < end; i++) {
      read(state[i], stack[i], unsignedByte);
    }
    return runEnd;
  }

  private void read(int q, int s, int b) {
    int to = automaton.next(q, b);
    if (to >= 0) {
      add(to, s);
    }
    int flags = automaton.flags[q];
    if ((flags & Automaton.CALLS) != 0) {
      for (int c = automaton.callFrom[q]; c < automaton.callFrom[q + 1]; c++) {
        int rule = automaton.callRule[c];
        if (automaton.canStart(rule, b)) {
          call(automaton.ruleStart[rule], automaton.callReturn[c], s, b);
        }
      }
    }
    if ((flags & Automaton.ACCEPT) != 0 && s != StackArena.BOTTOM) {
      read(arena.back(s), arena.below(s), b);
    }
  }

  private void call(int start, int back, int s, int b) {
    if (back == Automaton.TAIL) {
      read(start, s, b);
    } else {
      int depth = arena.depth(s);
      if (fits(depth + 1 + need[start]) && fits(depth + need[back])) {
        read(start, arena.push(back, s), b);
      }
    }
  }

  private boolean fits(int depth) {
    if (depth >= Needs.NEVER / 2) {
      return false;
    }
    demand = Math.max(demand, depth);
    return depth <= slack;
  }

  /** A rule that ends for sure hands over to its caller at once. */
  private void add(int reached, int reachedStack) {
    int q = reached;
    int s = reachedStack;
    while ((automaton.flags[q] & Automaton.LAST) != 0 && s != StackArena.BOTTOM) {
      q = arena.back(s);
      s = arena.below(s);
    }
    for (int i = runStart; i < runEnd; i++) {
      if (state[i] == q && stack[i] == s) {
        return;
      }
    }
    if (runEnd - runStart < GrammarLimits.MAX_THREADS) {
      put(runEnd++, q, s);
    }
  }

  /** Whether a byte can only take this reading further within its frame, or end it. */
  boolean isSimple(int index, int unsignedByte) {
    int q = state[index];
    int flags = automaton.flags[q];
    if (flags == 0) {
      return true;
    }
    if ((flags & Automaton.ACCEPT) != 0 && stack[index] != StackArena.BOTTOM) {
      return false;
    }
    for (int c = automaton.callFrom[q]; c < automaton.callFrom[q + 1]; c++) {
      if (automaton.canStart(automaton.callRule[c], unsignedByte)) {
        return false;
      }
    }
    return true;
  }

  void put(int index, int q, int s) {
    if (index >= state.length) {
      state = Arrays.copyOf(state, 2 * index);
      stack = Arrays.copyOf(stack, 2 * index);
    }
    state[index] = q;
    stack[index] = s;
  }

  /** Whether a text may be cut after this reading: the vocabulary can complete it from here. */
  boolean isLive(int index) {
    return fits(arena.depth(stack[index]) + need[state[index]]);
  }

  /** Whether a reading has come to the end of its lowest rule. */
  boolean isAtBottomEnd(int index) {
    return stack[index] == StackArena.BOTTOM && automaton.accepts(state[index]);
  }
}
