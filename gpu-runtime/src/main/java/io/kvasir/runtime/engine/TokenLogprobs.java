package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * Log-probabilities of a row of tokens, each with the likeliest alternatives. Natural logarithms of
 * the model's own softmax: before temperature, penalties, biases and masks. A token that the model
 * rules out has −∞.
 *
 * <p>Memory is taken at construction, so that measuring allocates nothing. Written by the engine
 * thread before the {@link TokenStream} publishes the token; read by its consumer afterwards.
 */
public final class TokenLogprobs {
  private final int topCount;
  private final float[] logprob;
  private final int[] topToken;
  private final float[] topLogprob;

  TokenLogprobs(int tokenCount, int topCount) {
    this.topCount = topCount;
    this.logprob = new float[tokenCount];
    this.topToken = new int[tokenCount * topCount];
    this.topLogprob = new float[tokenCount * topCount];
    Arrays.fill(logprob, Float.NaN);
  }

  /** Tokens that it has room for. */
  public int tokenCount() {
    return logprob.length;
  }

  /** Of the token itself; NaN for the first token of a prompt, which nothing predicts. */
  public float logprob(int index) {
    return logprob[index];
  }

  /** Alternatives kept for each token; fewer than asked for only if the vocabulary is smaller. */
  public int topCount() {
    return topCount;
  }

  /** Id of the {@code rank}-th likeliest token at {@code index}; the lower id among equals. */
  public int topToken(int index, int rank) {
    return topToken[slot(index, rank)];
  }

  public float topLogprob(int index, int rank) {
    return topLogprob[slot(index, rank)];
  }

  private int slot(int index, int rank) {
    if (rank < 0 || rank >= topCount) {
      throw new IndexOutOfBoundsException(
          "rank=" + rank + " is outside the " + topCount + " alternatives kept, ask for more");
    }
    return index * topCount + rank;
  }

  /**
   * Writing thread, before the token is published.
   *
   * @param tokens its {@link #topCount} likeliest alternatives, likeliest first
   */
  public void set(int index, float own, int[] tokens, float[] logprobs) {
    logprob[index] = own;
    System.arraycopy(tokens, 0, topToken, index * topCount, topCount);
    System.arraycopy(logprobs, 0, topLogprob, index * topCount, topCount);
  }
}
