package io.kvasir.runtime.engine.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The subset construction. Symbols and calls are told apart, calls of one rule are joined; so two
 * alternatives that begin with the same bytes and the same rules share their states. One use.
 */
final class Determinizer {
  /** A set of states as a key: sorted members. */
  private record Members(int[] states) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Members m && Arrays.equals(states, m.states);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(states);
    }
  }

  private final Nfa nfa;
  private final WorkBudget budget;
  private final RangeDfa dfa = new RangeDfa();
  private final Map<Members, Integer> ids = new HashMap<>();
  private final List<Members> sets = new ArrayList<>();
  private final int[] mark;
  private int stamp;
  private int[] closure = new int[64];
  private int[] edges = new int[64];

  private Determinizer(Nfa nfa, WorkBudget budget) {
    this.nfa = nfa;
    this.budget = budget;
    this.mark = new int[nfa.stateCount()];
  }

  static RangeDfa run(Nfa nfa, WorkBudget budget) {
    Determinizer d = new Determinizer(nfa, budget);
    d.idOf(new int[] {Nfa.START}, 1);
    for (int i = 0; i < d.sets.size(); i++) {
      d.expand(i);
    }
    return d.dfa;
  }

  private void expand(int id) {
    int[] members = sets.get(id).states();
    int edgeCount = 0;
    Map<Integer, int[]> calls = null;
    for (int q : members) {
      for (int e = nfa.firstEdge(q); e != Nfa.NONE; e = nfa.nextEdge(e)) {
        if (nfa.isCall(e)) {
          calls = calls == null ? new TreeMap<>() : calls;
          calls.merge(nfa.high(e), new int[] {nfa.target(e)}, Determinizer::concat);
        } else if (!nfa.isEpsilon(e)) {
          if (edgeCount == edges.length) {
            edges = Arrays.copyOf(edges, 2 * edgeCount);
          }
          edges[edgeCount++] = e;
        }
      }
    }
    budget.spend(1 + members.length + edgeCount);
    int[] ranges = ranges(edgeCount);
    int[] pairs = new int[calls == null ? 0 : 2 * calls.size()];
    int n = 0;
    if (calls != null) {
      for (Map.Entry<Integer, int[]> call : calls.entrySet()) {
        pairs[n++] = call.getKey();
        pairs[n++] = idOf(call.getValue(), call.getValue().length);
      }
    }
    dfa.set(id, ranges, pairs);
  }

  private static int[] concat(int[] a, int[] b) {
    int[] out = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, out, a.length, b.length);
    return out;
  }

  /** Cuts the symbols at the ends of the gathered edges and asks for the targets between. */
  private int[] ranges(int edgeCount) {
    if (edgeCount == 0) {
      return new int[0];
    }
    int[] cuts = new int[2 * edgeCount];
    for (int i = 0; i < edgeCount; i++) {
      cuts[2 * i] = nfa.low(edges[i]);
      cuts[2 * i + 1] = nfa.high(edges[i]) + 1;
    }
    Arrays.sort(cuts);
    int[] out = new int[12];
    int count = 0;
    int[] targets = new int[edgeCount];
    for (int c = 0; c + 1 < cuts.length; c++) {
      int lo = cuts[c];
      int hi = cuts[c + 1] - 1;
      if (lo > hi) {
        continue;
      }
      budget.spend(1 + edgeCount / 16);
      int found = 0;
      for (int i = 0; i < edgeCount; i++) {
        if (nfa.low(edges[i]) <= lo && nfa.high(edges[i]) >= hi) {
          targets[found++] = nfa.target(edges[i]);
        }
      }
      if (found == 0) {
        continue;
      }
      int to = idOf(targets, found);
      if (count > 0 && out[count - 1] == to && out[count - 2] == lo - 1) {
        out[count - 2] = hi;
        continue;
      }
      if (count + 3 > out.length) {
        out = Arrays.copyOf(out, 2 * out.length);
      }
      out[count++] = lo;
      out[count++] = hi;
      out[count++] = to;
    }
    return Arrays.copyOf(out, count);
  }

  /** The state of a set and of all it reaches without a symbol. */
  private int idOf(int[] seeds, int seedCount) {
    stamp++;
    int count = 0;
    boolean accepts = false;
    for (int i = 0; i < seedCount; i++) {
      count = visit(seeds[i], count);
    }
    int kept = 0;
    for (int i = 0; i < count; i++) {
      int q = closure[i];
      boolean useful = q == Nfa.END;
      accepts |= useful;
      for (int e = nfa.firstEdge(q); e != Nfa.NONE; e = nfa.nextEdge(e)) {
        if (nfa.isEpsilon(e)) {
          count = visit(nfa.target(e), count);
        } else {
          useful = true;
        }
      }
      if (useful) {
        closure[kept++] = q;
      }
    }
    budget.spend(count);
    int[] states = Arrays.copyOf(closure, kept);
    Arrays.sort(states);
    Members key = new Members(states);
    Integer known = ids.get(key);
    if (known != null) {
      return known;
    }
    budget.checkStates(sets.size() + 1L);
    ids.put(key, sets.size());
    sets.add(key);
    return dfa.add(new int[0], new int[0], accepts);
  }

  private int visit(int q, int count) {
    if (mark[q] == stamp) {
      return count;
    }
    mark[q] = stamp;
    if (count == closure.length) {
      closure = Arrays.copyOf(closure, 2 * count);
    }
    closure[count] = q;
    return count + 1;
  }
}
