package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * How many calls must be open at least, above the frame of a state, to complete the rule's text
 * from there: 0 if bytes alone do. {@link #NEVER} if nothing does. One computation.
 */
final class Needs {
  static final int NEVER = 1 << 28;

  private final Automaton a;
  private final int[] need;
  private final int[] predecessorFrom;
  private final int[] predecessors;
  private final int[] byReturnFrom;
  private final int[] byReturn;
  private final int[] byStartFrom;
  private final int[] byStart;
  private final int[] callerOf;
  private int[] queue;
  private int queued;

  /**
   * @param usable classes of bytes that may be used, null for all
   * @param seeds known upper bounds for some states ({@link #NEVER} for none), null for none at all
   */
  static int[] of(Automaton a, boolean[] usable, int[] seeds) {
    return new Needs(a, usable).run(seeds);
  }

  private Needs(Automaton a, boolean[] usable) {
    this.a = a;
    this.need = new int[a.stateCount];
    this.queue = new int[a.stateCount];
    Arrays.fill(need, NEVER);
    predecessorFrom = new int[a.stateCount + 1];
    eachEdge(usable, (from, to) -> predecessorFrom[to]++);
    predecessors = new int[ends(predecessorFrom)];
    eachEdge(usable, (from, to) -> predecessors[--predecessorFrom[to]] = from);
    int calls = a.callRule.length;
    callerOf = new int[calls];
    byReturnFrom = new int[a.stateCount + 1];
    byStartFrom = new int[a.stateCount + 1];
    for (int q = 0; q < a.stateCount; q++) {
      for (int c = a.callFrom[q]; c < a.callFrom[q + 1]; c++) {
        callerOf[c] = q;
        byStartFrom[a.ruleStart[a.callRule[c]]]++;
        if (a.callReturn[c] != Automaton.TAIL) {
          byReturnFrom[a.callReturn[c]]++;
        }
      }
    }
    byReturn = new int[ends(byReturnFrom)];
    byStart = new int[ends(byStartFrom)];
    for (int c = 0; c < calls; c++) {
      byStart[--byStartFrom[a.ruleStart[a.callRule[c]]]] = c;
      if (a.callReturn[c] != Automaton.TAIL) {
        byReturn[--byReturnFrom[a.callReturn[c]]] = c;
      }
    }
  }

  private interface EdgeVisitor {
    void edge(int from, int to);
  }

  private void eachEdge(boolean[] usable, EdgeVisitor visitor) {
    for (int q = 0; q < a.stateCount; q++) {
      int before = -1;
      for (int c = 0; c < a.classCount; c++) {
        int to = a.next[q * a.classCount + c];
        if (to >= 0 && to != before && (usable == null || usable[c])) {
          visitor.edge(q, to);
          before = to;
        }
      }
    }
  }

  /** Turns counts into the ends of the runs they need; the total. */
  private static int ends(int[] counts) {
    int sum = 0;
    for (int i = 0; i < counts.length; i++) {
      sum += counts[i];
      counts[i] = sum;
    }
    return sum;
  }

  /** Level by level: everything that can be completed with {@code level} open calls. */
  private int[] run(int[] seeds) {
    for (int level = 0; level <= a.stateCount; level++) {
      queued = 0;
      for (int q = 0; q < a.stateCount; q++) {
        if (need[q] == NEVER && starts(q, level, seeds)) {
          add(q, level);
        }
      }
      if (queued == 0 && !seedsLeft(seeds, level)) {
        break;
      }
      for (int i = 0; i < queued; i++) {
        spread(queue[i], level);
      }
    }
    return need;
  }

  private boolean starts(int q, int level, int[] seeds) {
    if ((level == 0 && a.accepts(q)) || (seeds != null && seeds[q] == level)) {
      return true;
    }
    for (int c = a.callFrom[q]; c < a.callFrom[q + 1]; c++) {
      if (completes(c, level)) {
        return true;
      }
    }
    return false;
  }

  private boolean completes(int call, int level) {
    int callee = need[a.ruleStart[a.callRule[call]]];
    int back = a.callReturn[call];
    return back == Automaton.TAIL ? callee <= level : callee < level && need[back] <= level;
  }

  private static boolean seedsLeft(int[] seeds, int level) {
    if (seeds != null) {
      for (int s : seeds) {
        if (s > level && s != NEVER) {
          return true;
        }
      }
    }
    return false;
  }

  private void spread(int q, int level) {
    for (int i = predecessorFrom[q]; i < predecessorFrom[q + 1]; i++) {
      add(predecessors[i], level);
    }
    for (int i = byReturnFrom[q]; i < byReturnFrom[q + 1]; i++) {
      addIfComplete(byReturn[i], level);
    }
    for (int i = byStartFrom[q]; i < byStartFrom[q + 1]; i++) {
      addIfComplete(byStart[i], level);
    }
  }

  private void addIfComplete(int call, int level) {
    if (completes(call, level)) {
      add(callerOf[call], level);
    }
  }

  private void add(int q, int level) {
    if (need[q] == NEVER) {
      need[q] = level;
      queue[queued++] = q;
    }
  }
}
