package io.kvasir.runtime.engine.grammar;

import java.util.ArrayList;
import java.util.List;

/** The rules of one grammar under construction, by number. One thread. */
final class RuleSet {
  private final WorkBudget budget;
  private final List<RangeDfa> rules = new ArrayList<>();
  private long states;

  RuleSet(WorkBudget budget) {
    this.budget = budget;
  }

  /** A number for a rule that is defined later. */
  int reserve() {
    if (rules.size() == GrammarLimits.MAX_RULES) {
      throw new GrammarRefusedException(
          budget.subject()
              + " needs more than "
              + GrammarLimits.MAX_RULES
              + " rules: use fewer subschemas or fewer combinations of them.");
    }
    rules.add(null);
    return rules.size() - 1;
  }

  void define(int rule, Nfa nfa) {
    RangeDfa dfa = Determinizer.run(nfa, budget);
    states += dfa.stateCount();
    budget.checkStates(states);
    rules.set(rule, dfa);
  }

  Nfa builder() {
    return new Nfa(budget);
  }

  WorkBudget budget() {
    return budget;
  }

  Automaton link(int root) {
    return Automaton.link(rules, root, budget);
  }
}
