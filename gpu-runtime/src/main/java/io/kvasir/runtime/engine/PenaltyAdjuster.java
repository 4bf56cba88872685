package io.kvasir.runtime.engine;

/**
 * Applies {@link Penalties} with counts kept up to date, so that a row costs the distinct tokens of
 * its path, not its length. Tokens below {@link TokenPath#settledLength()} are counted once and for
 * good, those of a branch are counted for the row and taken back. Neither preemption nor a resumed
 * request changes a settled token, so the counts survive both.
 *
 * <p>One per choice; tables hold every token the request may ever see. Engine thread.
 */
final class PenaltyAdjuster implements LogitAdjuster {
  private final Penalties penalties;

  /** Tokens of prompt and answer together. */
  private final TokenCounts seen;

  /** Tokens of the answer. */
  private final TokenCounts answered;

  private int settled;

  PenaltyAdjuster(Penalties penalties, int promptTokens, int maxTokens) {
    this.penalties = penalties;
    this.seen = penalties.repetition() == 1 ? null : new TokenCounts(promptTokens + maxTokens);
    this.answered =
        penalties.presence() == 0 && penalties.frequency() == 0 ? null : new TokenCounts(maxTokens);
  }

  @Override
  public void adjust(float[] logits, int offset, int vocabSize, TokenPath path) {
    int end = path.settledLength();
    for (; settled < end; settled++) {
      count(path, settled);
    }
    int length = path.length();
    for (int i = end; i < length; i++) {
      count(path, i);
    }
    apply(logits, offset);
    for (int i = length - 1; i >= end; i--) {
      takeBack(path, i);
    }
  }

  private void count(TokenPath path, int index) {
    if (seen != null) {
      seen.add(path.token(index));
    }
    if (answered != null && index >= path.promptLength()) {
      answered.add(path.token(index));
    }
  }

  private void takeBack(TokenPath path, int index) {
    if (seen != null) {
      seen.takeBack(path.token(index));
    }
    if (answered != null && index >= path.promptLength()) {
      answered.takeBack(path.token(index));
    }
  }

  private void apply(float[] logits, int offset) {
    if (seen != null) {
      float penalty = penalties.repetition();
      for (int i = 0; i < seen.size(); i++) {
        int at = offset + seen.token(i);
        logits[at] = logits[at] > 0 ? logits[at] / penalty : logits[at] * penalty;
      }
    }
    if (answered != null) {
      for (int i = 0; i < answered.size(); i++) {
        int at = offset + answered.token(i);
        logits[at] = logits[at] - penalties.frequency() * answered.count(i);
        logits[at] = logits[at] - penalties.presence();
      }
    }
  }
}
