package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * The way of one choice's tokens from the engine thread to one consumer: preallocated arrays with a
 * published length, so that handing over a token allocates nothing and never waits. The consumer is
 * woken once per gap, not once per token: its wake-up runs on the engine thread when the consumer
 * had seen everything before, and must only schedule a drain.
 */
public class TokenStream {
  private final int[] tokens;
  private final float[][] promptLogits;
  private final TokenLogprobs logprobs;
  private final TokenLogprobs promptLogprobs;
  private final PooledState pooled;
  private final Runnable wakeup;
  private double logprobSum;
  private int measuredTokens;
  private volatile int published;
  private volatile int consumed;
  private volatile FinishReason finish;
  private volatile Usage usage;
  private volatile String failure;

  /**
   * A stream without log-probabilities.
   *
   * @param capacityTokens the request's max_tokens: the stream can then never be full
   * @param promptLogitRows how many rows of prompt logits were asked for
   * @param wakeup scheduled on the engine thread; must not block or throw
   */
  public TokenStream(int capacityTokens, int promptLogitRows, Runnable wakeup) {
    this(capacityTokens, promptLogitRows, null, null, null, wakeup);
  }

  private TokenStream(
      int capacityTokens,
      int promptLogitRows,
      TokenLogprobs logprobs,
      TokenLogprobs promptLogprobs,
      PooledState pooled,
      Runnable wakeup) {
    this.tokens = new int[capacityTokens];
    this.promptLogits = new float[promptLogitRows][];
    this.logprobs = logprobs;
    this.promptLogprobs = promptLogprobs;
    this.pooled = pooled;
    this.wakeup = wakeup;
  }

  /**
   * The stream of one choice with room for everything its request asks for.
   *
   * @param choice 0 also gets the prompt's log-probabilities
   * @param promptTokens length of the prompt
   * @param vocabSize bounds the alternatives per token
   * @throws IllegalArgumentException when the prompt's log-probabilities are too many to keep
   */
  public static TokenStream of(
      SamplingParameters s, int choice, int promptTokens, int vocabSize, Runnable wakeup) {
    TokenLogprobs own =
        s.logprobs() < 0
            ? null
            : new TokenLogprobs(s.maxTokens(), Math.min(s.logprobs(), vocabSize));
    TokenLogprobs prompt = null;
    if (choice == 0 && s.promptLogprobs() >= 0) {
      long kept = (long) promptTokens * (1 + s.promptLogprobs());
      if (kept > SamplingParameters.MAX_KEPT_LOGPROBS) {
        throw new IllegalArgumentException(
            "a prompt of %d tokens with 1 + prompt_logprobs=%d values each are %d log-probabilities, more than %d, shorten it or ask for fewer"
                .formatted(
                    promptTokens, s.promptLogprobs(), kept, SamplingParameters.MAX_KEPT_LOGPROBS));
      }
      prompt = new TokenLogprobs(promptTokens, Math.min(s.promptLogprobs(), vocabSize));
    }
    return new TokenStream(s.maxTokens(), 0, own, prompt, null, wakeup);
  }

  /** The stream of an input to be embedded: it carries no tokens and ends with {@link #pooled}. */
  public static TokenStream pooling(Pooling pooling, Runnable wakeup) {
    return new TokenStream(0, 0, null, null, new PooledState(pooling), wakeup);
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

  /** Engine thread: the log-probability of a drawn token, a stop token included. */
  final void measured(float logprob) {
    logprobSum += logprob;
    measuredTokens++;
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

  /**
   * Log-probabilities of the answer's tokens, valid below {@link #published()}; null if not asked
   * for.
   */
  public final TokenLogprobs logprobs() {
    return logprobs;
  }

  /**
   * Log-probabilities of the prompt's tokens, valid once a token or the end is seen; null if not
   * asked for and for every choice but the first.
   */
  public final TokenLogprobs promptLogprobs() {
    return promptLogprobs;
  }

  /** The embedding, valid once the stream ended with STOP; null when tokens are asked for. */
  public final PooledState pooled() {
    return pooled;
  }

  /**
   * Mean log-probability of the drawn tokens, a stop token included: what best_of ranks by. Valid
   * once the stream ended, for requests with log-probabilities or best_of above n; −∞ when nothing
   * was drawn.
   */
  public final double meanLogprob() {
    return measuredTokens == 0 ? Double.NEGATIVE_INFINITY : logprobSum / measuredTokens;
  }

  /** All tokens so far. */
  public final int[] snapshot() {
    return Arrays.copyOf(tokens, published);
  }
}
