package io.kvasir.runtime.engine;

/** Log-probabilities for tests, which only this package can make. */
public final class ReportSource {
  private ReportSource() {}

  /** Of so many tokens, without alternatives. */
  public static TokenLogprobs of(int tokenCount) {
    return new TokenLogprobs(tokenCount, 0);
  }
}
