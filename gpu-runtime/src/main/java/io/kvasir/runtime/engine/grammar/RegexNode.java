package io.kvasir.runtime.engine.grammar;

import java.util.List;

/** A regular expression as read. */
sealed interface RegexNode {
  int UNBOUNDED = -1;

  record Chars(CodePoints set) implements RegexNode {}

  record Sequence(List<RegexNode> parts) implements RegexNode {}

  record Either(List<RegexNode> alternatives) implements RegexNode {}

  /**
   * @param max {@link #UNBOUNDED} for no end
   */
  record Repeat(RegexNode part, int min, int max) implements RegexNode {}

  /** Adds the edges of this expression between two states. */
  default void emit(Nfa nfa, int from, int to) {
    switch (this) {
      case Chars chars -> {
        int[] pairs = chars.set().pairs();
        for (int i = 0; i < pairs.length; i += 2) {
          nfa.range(from, pairs[i], pairs[i + 1], to);
        }
      }
      case Sequence sequence -> {
        int at = from;
        for (RegexNode part : sequence.parts()) {
          int behind = nfa.state();
          part.emit(nfa, at, behind);
          at = behind;
        }
        nfa.epsilon(at, to);
      }
      case Either either -> either.alternatives().forEach(part -> part.emit(nfa, from, to));
      case Repeat repeat -> emitRepeat(repeat, nfa, from, to);
    }
  }

  private static void emitRepeat(Repeat repeat, Nfa nfa, int from, int to) {
    // A fresh state before and behind, so that a loop here touches no edge of a neighbour.
    int at = nfa.state();
    nfa.epsilon(from, at);
    for (int i = 0; i < repeat.min(); i++) {
      int behind = nfa.state();
      repeat.part().emit(nfa, at, behind);
      at = behind;
    }
    if (repeat.max() == UNBOUNDED) {
      int loop = nfa.state();
      nfa.epsilon(at, loop);
      int behind = nfa.state();
      repeat.part().emit(nfa, loop, behind);
      nfa.epsilon(behind, loop);
      nfa.epsilon(loop, to);
      return;
    }
    nfa.epsilon(at, to);
    for (int i = repeat.min(); i < repeat.max(); i++) {
      int behind = nfa.state();
      repeat.part().emit(nfa, at, behind);
      nfa.epsilon(behind, to);
      at = behind;
    }
  }
}
