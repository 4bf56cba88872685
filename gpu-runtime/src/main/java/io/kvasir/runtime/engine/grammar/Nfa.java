package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * One rule while it is put together: states joined by edges that take nothing, a symbol of a range,
 * or a whole text of another rule. Symbols are bytes or code points, as the builder decides. Starts
 * with the two states {@link #START} and {@link #END}. One thread.
 */
final class Nfa {
  static final int START = 0;
  static final int END = 1;
  static final int NONE = -1;

  private static final int EPSILON = -1;
  private static final int CALL = -2;

  private final WorkBudget budget;
  private int[] head = new int[64];
  private int[] next = new int[128];
  private int[] low = new int[128];
  private int[] high = new int[128];
  private int[] target = new int[128];
  private int stateCount;
  private int edgeCount;

  Nfa(WorkBudget budget) {
    this.budget = budget;
    state();
    state();
  }

  int state() {
    budget.spend(1);
    if (stateCount == head.length) {
      head = Arrays.copyOf(head, 2 * stateCount);
    }
    head[stateCount] = NONE;
    return stateCount++;
  }

  void epsilon(int from, int to) {
    if (from != to) {
      edge(from, EPSILON, EPSILON, to);
    }
  }

  /** An edge for the symbols {@code lo} to {@code hi}, both included. */
  void range(int from, int lo, int hi, int to) {
    edge(from, lo, hi, to);
  }

  /** An edge for a text of another rule, which must not have the empty text. */
  void call(int from, int rule, int to) {
    edge(from, CALL, rule, to);
  }

  /** Edges for a run of bytes; the state behind them. */
  int bytes(int from, byte[] text) {
    int at = from;
    for (byte b : text) {
      int to = state();
      range(at, b & 0xFF, b & 0xFF, to);
      at = to;
    }
    return at;
  }

  /** Edges for ASCII text; the state behind them. */
  int ascii(int from, String text) {
    int at = from;
    for (int i = 0; i < text.length(); i++) {
      int to = state();
      range(at, text.charAt(i), text.charAt(i), to);
      at = to;
    }
    return at;
  }

  private void edge(int from, int lo, int hi, int to) {
    budget.spend(1);
    if (edgeCount == next.length) {
      int size = 2 * edgeCount;
      next = Arrays.copyOf(next, size);
      low = Arrays.copyOf(low, size);
      high = Arrays.copyOf(high, size);
      target = Arrays.copyOf(target, size);
    }
    next[edgeCount] = head[from];
    low[edgeCount] = lo;
    high[edgeCount] = hi;
    target[edgeCount] = to;
    head[from] = edgeCount++;
  }

  int stateCount() {
    return stateCount;
  }

  /** First edge of a state, {@link #NONE} for none; the others follow by {@link #nextEdge}. */
  int firstEdge(int state) {
    return head[state];
  }

  int nextEdge(int edge) {
    return next[edge];
  }

  boolean isEpsilon(int edge) {
    return low[edge] == EPSILON;
  }

  boolean isCall(int edge) {
    return low[edge] == CALL;
  }

  int low(int edge) {
    return low[edge];
  }

  /** Last symbol of the range; the rule of a call. */
  int high(int edge) {
    return high[edge];
  }

  int target(int edge) {
    return target[edge];
  }
}
