package io.kvasir.runtime.engine.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All texts but some given ones: a trie of those, with a way out at every character. */
final class NameComplement {
  private final List<TreeMap<Integer, Integer>> children = new ArrayList<>();
  private final List<Boolean> isName = new ArrayList<>();

  private NameComplement() {
    node();
  }

  static RangeDfa of(List<String> names, WorkBudget budget) {
    NameComplement trie = new NameComplement();
    for (String name : names) {
      budget.spend(name.length());
      trie.add(name);
    }
    return trie.complement(budget);
  }

  private int node() {
    children.add(new TreeMap<>());
    isName.add(false);
    return children.size() - 1;
  }

  private void add(String name) {
    int at = 0;
    for (int c : name.codePoints().toArray()) {
      Integer next = children.get(at).get(c);
      if (next == null) {
        next = node();
        children.get(at).put(c, next);
      }
      at = next;
    }
    isName.set(at, true);
  }

  private RangeDfa complement(WorkBudget budget) {
    RangeDfa out = new RangeDfa();
    int free = children.size();
    for (int q = 0; q < free; q++) {
      Map<Integer, Integer> own = children.get(q);
      int[] singles =
          own.keySet().stream().flatMapToInt(c -> java.util.stream.IntStream.of(c, c)).toArray();
      int[] others = CodePoints.of(singles).complement().pairs();
      budget.spend(own.size() + others.length);
      List<int[]> ranges = new ArrayList<>();
      own.forEach((c, to) -> ranges.add(new int[] {c, c, to}));
      for (int i = 0; i < others.length; i += 2) {
        ranges.add(new int[] {others[i], others[i + 1], free});
      }
      ranges.sort((x, y) -> Integer.compare(x[0], y[0]));
      out.add(ranges.stream().flatMapToInt(Arrays::stream).toArray(), new int[0], !isName.get(q));
    }
    int[] all = CodePoints.ALL.pairs();
    out.add(new int[] {all[0], all[1], free, all[2], all[3], free}, new int[0], true);
    return out;
  }
}
