package io.kvasir.runtime.engine.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A rule made deterministic: in each state a symbol leads to at most one state, and a call of a
 * rule too. Both may be possible at once. State 0 starts. Not changed once built.
 */
final class RangeDfa {
  private final List<int[]> ranges = new ArrayList<>();
  private final List<int[]> calls = new ArrayList<>();
  private final BitSet accept = new BitSet();

  /**
   * @param rangeTriples low, high, target; ascending, without overlap
   * @param callPairs rule, target
   */
  int add(int[] rangeTriples, int[] callPairs, boolean accepts) {
    ranges.add(rangeTriples);
    calls.add(callPairs);
    accept.set(ranges.size() - 1, accepts);
    return ranges.size() - 1;
  }

  void set(int state, int[] rangeTriples, int[] callPairs) {
    ranges.set(state, rangeTriples);
    calls.set(state, callPairs);
  }

  int stateCount() {
    return ranges.size();
  }

  int[] ranges(int state) {
    return ranges.get(state);
  }

  int[] calls(int state) {
    return calls.get(state);
  }

  boolean accepts(int state) {
    return accept.get(state);
  }

  /** The state behind a symbol, -1 for none. */
  int next(int state, int symbol) {
    int[] r = ranges.get(state);
    for (int i = 0; i < r.length; i += 3) {
      if (symbol >= r[i] && symbol <= r[i + 1]) {
        return r[i + 2];
      }
    }
    return -1;
  }

  /** Whether a text of code points is in the language; only without calls. */
  boolean matches(String text) {
    int state = 0;
    for (int i = 0;
        i < text.length() && state >= 0;
        i += Character.charCount(text.codePointAt(i))) {
      state = next(state, text.codePointAt(i));
    }
    return state >= 0 && accept.get(state);
  }

  /** Texts of both; only without calls. */
  static RangeDfa intersect(RangeDfa a, RangeDfa b, WorkBudget budget) {
    RangeDfa out = new RangeDfa();
    Map<Long, Integer> ids = new HashMap<>();
    List<long[]> pairs = new ArrayList<>();
    pair(0, 0, ids, pairs);
    for (int i = 0; i < pairs.size(); i++) {
      budget.checkStates(pairs.size());
      int p = (int) pairs.get(i)[0];
      int q = (int) pairs.get(i)[1];
      int[] x = a.ranges(p);
      int[] y = b.ranges(q);
      budget.spend(1 + x.length + y.length);
      int[] triples = new int[x.length + y.length];
      int count = 0;
      for (int m = 0, n = 0; m < x.length && n < y.length; ) {
        int lo = Math.max(x[m], y[n]);
        int hi = Math.min(x[m + 1], y[n + 1]);
        if (lo <= hi) {
          if (count + 3 > triples.length) {
            triples = Arrays.copyOf(triples, 2 * triples.length);
          }
          triples[count++] = lo;
          triples[count++] = hi;
          triples[count++] = pair(x[m + 2], y[n + 2], ids, pairs);
        }
        if (x[m + 1] < y[n + 1]) {
          m += 3;
        } else {
          n += 3;
        }
      }
      out.add(Arrays.copyOf(triples, count), new int[0], a.accepts(p) && b.accepts(q));
    }
    return out;
  }

  private static int pair(int a, int b, Map<Long, Integer> ids, List<long[]> pairs) {
    return ids.computeIfAbsent(
        (long) a << 32 | b,
        key -> {
          pairs.add(new long[] {a, b});
          return pairs.size() - 1;
        });
  }

  /** Whether there is no text at all; only without calls, and where every state is reachable. */
  boolean isEmpty() {
    return accept.isEmpty();
  }
}
