package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * Which states a vocabulary can complete, as {@link Needs}. With a token for every byte that is
 * every state. Otherwise a state counts if bytes that are tokens complete it, or longer tokens that
 * stay inside the state's rule; what only tokens across the border of a rule could complete does
 * not count, so a mask never leads into a dead end.
 */
final class Coverage {
  private final Automaton a;
  private final TokenTrie trie;
  private final int[] stateAt;
  private long walkLeft = GrammarLimits.MAX_COVERAGE_WALK;

  private Coverage(Automaton a, TokenTrie trie) {
    this.a = a;
    this.trie = trie;
    this.stateAt = new int[trie.maxDepth() + 1];
  }

  /**
   * @throws GrammarRefusedException if the vocabulary cannot spell any text of the grammar
   */
  static int[] needs(Automaton a, Vocabulary vocabulary, String subject) {
    if (vocabulary.singleBytes().cardinality() == 256) {
      return a.need;
    }
    boolean[] usable = new boolean[a.classCount];
    vocabulary.singleBytes().stream().forEach(b -> usable[a.classOf[b]] = true);
    int[] need = new Coverage(a, vocabulary.trie()).needs(usable);
    if (need[a.root] > GrammarLimits.MAX_DEPTH) {
      throw new GrammarRefusedException(
          "the model's vocabulary of "
              + vocabulary.size()
              + " tokens cannot spell any text of "
              + subject
              + ": use a model whose tokenizer has single bytes, or ask for text that its words can"
              + " form.");
    }
    return need;
  }

  private int[] needs(boolean[] usable) {
    int[] seeds = new int[a.stateCount];
    Arrays.fill(seeds, Needs.NEVER);
    int[] need = Needs.of(a, usable, null);
    boolean found = true;
    while (found) {
      found = false;
      for (int q = a.stateCount - 1; q >= 0; q--) {
        if (need[q] == Needs.NEVER && a.need[q] != Needs.NEVER) {
          seeds[q] = leastByToken(q, need);
          need[q] = seeds[q];
          found |= need[q] != Needs.NEVER;
        }
      }
      if (found) {
        need = Needs.of(a, usable, seeds);
      }
    }
    return need;
  }

  /** The least need behind one token that stays in the rule; {@link Needs#NEVER} for none. */
  private int leastByToken(int state, int[] need) {
    int least = Needs.NEVER;
    stateAt[0] = state;
    for (int i = 1; i < trie.nodeCount && least > 0; ) {
      if (--walkLeft < 0) {
        return least;
      }
      int q = a.next(stateAt[trie.depth[i] - 1], trie.label[i] & 0xFF);
      if (q < 0) {
        i = trie.skip[i];
        continue;
      }
      stateAt[trie.depth[i]] = q;
      if (trie.from[i] < trie.from[i + 1]) {
        least = Math.min(least, need[q]);
      }
      i++;
    }
    return least;
  }
}
