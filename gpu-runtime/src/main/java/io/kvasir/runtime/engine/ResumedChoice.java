package io.kvasir.runtime.engine;

/**
 * One choice of an answer that another engine of the same fingerprint has begun. Its tokens count
 * as generated: limits, penalties, stop strings, grammars and seeds go on from them, so that the
 * tokens that follow are those that the other engine would have drawn (law 1).
 *
 * @param tokens delivered already, from the answer's first; not changed any more
 * @param logprobSum of all tokens drawn so far, for requests that measure them, else 0
 * @param measuredTokens how many tokens that sum is over: those given, and a stop token that ended
 *     the choice
 * @param ended why it ended there, in which case it is not run again; null when it goes on
 */
public record ResumedChoice(
    int[] tokens, double logprobSum, int measuredTokens, FinishReason ended) {
  private static final int[] NOTHING = {};

  /** A choice of which nothing was delivered. */
  public static final ResumedChoice FRESH = new ResumedChoice(NOTHING, 0, 0, null);

  /** A choice that goes on behind these tokens. */
  public static ResumedChoice running(int[] tokens, double logprobSum) {
    return new ResumedChoice(tokens, logprobSum, tokens.length, null);
  }

  /** A choice that has ended elsewhere. */
  public static ResumedChoice ended(
      int[] tokens, double logprobSum, int measuredTokens, FinishReason reason) {
    return new ResumedChoice(tokens, logprobSum, measuredTokens, reason);
  }

  boolean isFresh() {
    return tokens.length == 0 && ended == null;
  }
}
