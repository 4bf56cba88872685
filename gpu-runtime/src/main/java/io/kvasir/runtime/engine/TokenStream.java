package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * The way of a request's tokens from the engine thread to one consumer: a preallocated array with a
 * published length, so that handing over a token allocates nothing and never waits. The consumer is
 * woken once per gap, not once per token: {@link #onAvailable} runs on the engine thread when the
 * consumer had seen everything before, and must only schedule a drain.
 */
public class TokenStream {
  private final int[] tokens;
  private final float[][] promptLogits;
  private final Runnable wakeup;
  private volatile int published;
  private volatile int consumed;
  private volatile FinishReason finish;
  private volatile Usage usage;
  private volatile String failure;

  /**
   * @param capacityTokens the request's max_tokens: the stream can then never be full
   * @param promptLogitRows how many rows of prompt logits were asked for
   * @param wakeup scheduled on the engine thread; must not block or throw
   */
  public TokenStream(int capacityTokens, int promptLogitRows, Runnable wakeup) {
    this.tokens = new int[capacityTokens];
    this.promptLogits = new float[promptLogitRows][];
    this.wakeup = wakeup;
  }

  /** Engine thread: appends a token. */
  final void publish(int token) {
    int index = published;
    tokens[index] = token;
    published = index + 1;
    if (consumed == index) {
      wakeup.run();
    }
  }

  /** Engine thread: delivers one requested prompt row before any token. */
  final void publishPromptLogits(int ordinal, float[] logits) {
    promptLogits[ordinal] = logits;
  }

  /** Engine thread: ends the stream; nothing is published afterwards. */
  final void finish(FinishReason reason, Usage finalUsage, String failureMessage) {
    usage = finalUsage;
    failure = failureMessage;
    finish = reason;
    wakeup.run();
  }

  /** Tokens published so far. */
  public final int published() {
    return published;
  }

  /** The token at {@code index}, which must be below {@link #published()}. */
  public final int token(int index) {
    if (index >= published) {
      throw new IndexOutOfBoundsException(
          "token index=" + index + " >= published=" + published + ", drain up to published()");
    }
    return tokens[index];
  }

  /** Consumer: says that all tokens below {@code count} were taken; later ones wake it again. */
  public final void consumedUpTo(int count) {
    consumed = count;
  }

  /**
   * Why the stream ended, or null while it runs. Once non-null, {@link #published()} is final; read
   * this first, then drain.
   */
  public final FinishReason finishReason() {
    return finish;
  }

  /** Valid once {@link #finishReason()} is non-null. */
  public final Usage usage() {
    return usage;
  }

  /** The sentence of {@link FinishReason#ERROR}, otherwise null. */
  public final String failure() {
    return failure;
  }

  /**
   * Logits of the requested prompt rows, in request order; valid once a token or the end is seen.
   */
  public final float[][] promptLogits() {
    return promptLogits;
  }

  /** All tokens so far. */
  public final int[] snapshot() {
    return Arrays.copyOf(tokens, published);
  }
}
