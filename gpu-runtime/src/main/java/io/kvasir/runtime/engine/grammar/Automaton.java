package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * All rules of a grammar in one table over bytes. A state of a rule may go on by a byte, by calling
 * another rule (and then from a return state), or end. A state whose texts cannot be completed has
 * no way in. Immutable and thread-safe.
 *
 * <p>{@code next[state * classCount + classOf[byte]]} is the state behind a byte or -1. Calls of a
 * state are the entries {@code callFrom[state]} to {@code callFrom[state + 1]} of {@code callRule}
 * and {@code callReturn}; a return of {@link #TAIL} means that the caller ends with the callee.
 */
final class Automaton {
  static final int TAIL = -1;

  /** The text of the rule may end here. */
  static final byte ACCEPT = 1;

  /** The text of the rule ends here for sure. */
  static final byte LAST = 2;

  /** Other rules may be called from here. */
  static final byte CALLS = 4;

  final int[] classOf = new int[256];
  final int classCount;
  final int stateCount;
  final int[] next;
  final int[] callFrom;
  final int[] callRule;
  final int[] callReturn;
  final int[] ruleStart;
  final int root;

  /** {@link #ACCEPT}, {@link #LAST} and {@link #CALLS} of each state; 0 for most. */
  final byte[] flags;

  /** {@link Needs} where every byte may be used. */
  final int[] need;

  /** 256 bits a rule: bytes that can start its texts. */
  final long[] ruleFirst;

  private Automaton(List<RangeDfa> rules, int rootRule, WorkBudget budget) {
    long states = 0;
    int calls = 0;
    BitSet cuts = new BitSet(257);
    ruleStart = new int[rules.size()];
    for (int r = 0; r < ruleStart.length; r++) {
      RangeDfa rule = rules.get(r);
      ruleStart[r] = (int) states;
      states += rule.stateCount();
      budget.checkStates(states);
      for (int q = 0; q < rule.stateCount(); q++) {
        int[] ranges = rule.ranges(q);
        for (int i = 0; i < ranges.length; i += 3) {
          cuts.set(ranges[i]);
          cuts.set(ranges[i + 1] + 1);
        }
        calls += rule.calls(q).length / 2;
      }
    }
    int last = 0;
    for (int b = 1; b < 256; b++) {
      last += cuts.get(b) ? 1 : 0;
      classOf[b] = last;
    }
    classCount = last + 1;
    stateCount = (int) states;
    if (states * classCount > GrammarLimits.MAX_CELLS) {
      throw new GrammarRefusedException(
          budget.subject()
              + " needs a table of "
              + states
              + " states times "
              + classCount
              + " byte classes, allowed are "
              + GrammarLimits.MAX_CELLS
              + " entries: use smaller repetition counts or fewer optional parts.");
    }
    root = ruleStart[rootRule];
    next = new int[stateCount * classCount];
    Arrays.fill(next, -1);
    callFrom = new int[stateCount + 1];
    callRule = new int[calls];
    callReturn = new int[calls];
    ruleFirst = new long[4 * ruleStart.length];
    flags = new byte[stateCount];
    fill(rules);
    need = Needs.of(this, null, null);
    check(budget);
    trim();
  }

  private void fill(List<RangeDfa> rules) {
    int call = 0;
    for (int r = 0; r < ruleStart.length; r++) {
      RangeDfa rule = rules.get(r);
      for (int q = 0; q < rule.stateCount(); q++) {
        int state = ruleStart[r] + q;
        int[] ranges = rule.ranges(q);
        for (int i = 0; i < ranges.length; i += 3) {
          Arrays.fill(
              next,
              state * classCount + classOf[ranges[i]],
              state * classCount + classOf[ranges[i + 1]] + 1,
              ruleStart[r] + ranges[i + 2]);
        }
        int[] pairs = rule.calls(q);
        boolean last = ranges.length == 0 && pairs.length == 0;
        flags[state] =
            (byte)
                ((rule.accepts(q) ? (last ? ACCEPT | LAST : ACCEPT) : 0)
                    | (pairs.length > 0 ? CALLS : 0));
        callFrom[state] = call;
        for (int i = 0; i < pairs.length; i += 2) {
          callRule[call] = pairs[i];
          callReturn[call++] = ruleStart[r] + pairs[i + 1];
        }
      }
    }
    callFrom[stateCount] = call;
    for (int c = 0; c < call; c++) {
      if ((flags[callReturn[c]] & LAST) != 0) {
        callReturn[c] = TAIL;
      }
    }
  }

  /**
   * Links rules into one automaton.
   *
   * @throws GrammarRefusedException if no text fits, or none that nests within the bound
   */
  static Automaton link(List<RangeDfa> rules, int rootRule, WorkBudget budget) {
    return new Automaton(rules, rootRule, budget);
  }

  private void check(WorkBudget budget) {
    if (need[root] == Needs.NEVER) {
      throw new GrammarRefusedException(
          budget.subject() + " describes no text at all: its constraints contradict each other.");
    }
    if (need[root] > GrammarLimits.MAX_DEPTH) {
      throw new GrammarRefusedException(
          budget.subject()
              + " asks for at least "
              + need[root]
              + " levels of nesting, allowed are "
              + GrammarLimits.MAX_DEPTH
              + ": flatten it.");
    }
  }

  /** Removes the ways into states that nothing completes; then first bytes are known. */
  private void trim() {
    for (int i = 0; i < next.length; i++) {
      if (next[i] >= 0 && need[next[i]] == Needs.NEVER) {
        next[i] = -1;
      }
    }
    for (int r = ruleStart.length - 1; r >= 0; r--) {
      first(r, new BitSet());
    }
  }

  /** Fills and returns where the first bytes of a rule are. Calls never start in a circle. */
  private int first(int rule, BitSet done) {
    int at = 4 * rule;
    int start = ruleStart[rule];
    if ((ruleFirst[at] | ruleFirst[at + 1] | ruleFirst[at + 2] | ruleFirst[at + 3]) != 0
        || done.get(rule)) {
      return at;
    }
    done.set(rule);
    for (int b = 0; b < 256; b++) {
      if (next[start * classCount + classOf[b]] >= 0) {
        ruleFirst[at + (b >> 6)] |= 1L << b;
      }
    }
    for (int c = callFrom[start]; c < callFrom[start + 1]; c++) {
      int callee = first(callRule[c], done);
      for (int i = 0; i < 4; i++) {
        ruleFirst[at + i] |= ruleFirst[callee + i];
      }
    }
    return at;
  }

  int next(int state, int unsignedByte) {
    return next[state * classCount + classOf[unsignedByte]];
  }

  boolean canStart(int rule, int unsignedByte) {
    return (ruleFirst[4 * rule + (unsignedByte >> 6)] & 1L << unsignedByte) != 0;
  }

  boolean accepts(int state) {
    return (flags[state] & ACCEPT) != 0;
  }

  long bytes() {
    return 5L * stateCount
        + 4L * (next.length + callFrom.length + 2L * callRule.length)
        + 8L * ruleFirst.length;
  }
}
