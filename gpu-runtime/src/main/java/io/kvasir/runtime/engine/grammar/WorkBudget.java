package io.kvasir.runtime.engine.grammar;

/** Bounds the work of one compilation, whatever shape it takes. One thread. */
final class WorkBudget {
  private final String subject;
  private long left = GrammarLimits.MAX_WORK;

  /**
   * @param subject how messages call the grammar, such as "the schema"
   */
  WorkBudget(String subject) {
    this.subject = subject;
  }

  void spend(long units) {
    left -= units;
    if (left < 0) {
      throw new GrammarRefusedException(
          subject
              + " needs more than "
              + GrammarLimits.MAX_WORK
              + " units of compile work: use smaller repetition counts, fewer alternatives or"
              + " fewer optional parts.");
    }
  }

  /** Refuses more states than a compiled grammar may have. */
  void checkStates(long count) {
    if (count > GrammarLimits.MAX_STATES) {
      throw new GrammarRefusedException(
          subject
              + " needs more than "
              + GrammarLimits.MAX_STATES
              + " automaton states: use smaller repetition counts, fewer alternatives or fewer"
              + " optional parts.");
    }
  }

  String subject() {
    return subject;
  }
}
