package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * The way of one choice's tokens from the one thread that writes them to one consumer: preallocated
 * arrays with a published length, so that handing over a token allocates nothing and never waits.
 * The writer is the engine, or whoever repeats the stream of an engine elsewhere. The consumer is
 * woken once per gap, not once per token: its wake-up runs on the writing thread when the consumer
 * had seen everything before, and must only schedule a drain.
 */
public class TokenStream {
  private final int[] tokens;
  private final float[][] promptLogits;
  private final TokenLogprobs logprobs;
  private final TokenLogprobs promptLogprobs;

  /** Sum of log-probabilities up to and including each token; null unless they are measured. */
  private final double[] logprobSums;

  private final ResumedChoice resumed;
  private final PooledState pooled;
  private final Runnable wakeup;
  private double logprobSum;
  private int measuredTokens;
  private volatile int published;
  private volatile int consumed;
  private volatile int wakeEvery = 1;
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
    this(capacityTokens, promptLogitRows, null, null, null, null, ResumedChoice.FRESH, wakeup);
  }

  private TokenStream(
      int capacityTokens,
      int promptLogitRows,
      TokenLogprobs logprobs,
      TokenLogprobs promptLogprobs,
      double[] logprobSums,
      PooledState pooled,
      ResumedChoice resumed,
      Runnable wakeup) {
    int given = resumed.tokens().length;
    if (given > capacityTokens) {
      throw new IllegalArgumentException(
          "resumed tokens="
              + given
              + " exceed max_tokens="
              + capacityTokens
              + ", send the request that began the answer");
    }
    this.tokens = Arrays.copyOf(resumed.tokens(), capacityTokens);
    this.resumed = resumed;
    this.published = given;
    this.consumed = given;
    this.logprobSum = resumed.logprobSum();
    this.measuredTokens = logprobSums == null ? 0 : resumed.measuredTokens();
    this.promptLogits = new float[promptLogitRows][];
    this.logprobs = logprobs;
    this.promptLogprobs = promptLogprobs;
    this.logprobSums = logprobSums;
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
    return of(s, choice, promptTokens, vocabSize, ResumedChoice.FRESH, wakeup);
  }

  /**
   * The same for a choice that goes on with tokens drawn elsewhere: they count as published and
   * consumed, new ones follow behind them. Their log-probabilities are not measured again.
   */
  public static TokenStream of(
      SamplingParameters s,
      int choice,
      int promptTokens,
      int vocabSize,
      ResumedChoice resumed,
      Runnable wakeup) {
    TokenLogprobs own =
        s.logprobs() < 0
            ? null
            : new TokenLogprobs(s.maxTokens(), Math.min(s.logprobs(), vocabSize));
    TokenLogprobs prompt = null;
    if (choice == 0 && s.promptLogprobs() >= 0 && resumed.isFresh()) {
      long kept = (long) promptTokens * (1 + s.promptLogprobs());
      if (kept > SamplingParameters.MAX_KEPT_LOGPROBS) {
        throw new IllegalArgumentException(
            "a prompt of %d tokens with 1 + prompt_logprobs=%d values each are %d log-probabilities, more than %d, shorten it or ask for fewer"
                .formatted(
                    promptTokens, s.promptLogprobs(), kept, SamplingParameters.MAX_KEPT_LOGPROBS));
      }
      prompt = new TokenLogprobs(promptTokens, Math.min(s.promptLogprobs(), vocabSize));
    }
    double[] sums = s.measures() ? new double[s.maxTokens()] : null;
    return new TokenStream(s.maxTokens(), 0, own, prompt, sums, null, resumed, wakeup);
  }

  /** The stream of an input to be embedded: it carries no tokens and ends with {@link #pooled}. */
  public static TokenStream pooling(Pooling pooling, Runnable wakeup) {
    return new TokenStream(
        0, 0, null, null, null, new PooledState(pooling), ResumedChoice.FRESH, wakeup);
  }

  /** Writing thread: appends a token. */
  public final void publish(int token) {
    int index = published;
    tokens[index] = token;
    if (logprobSums != null) {
      logprobSums[index] = logprobSum;
    }
    published = index + 1;
    if (index + 1 - consumed == (index == resumed.tokens().length ? 1 : wakeEvery)) {
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

  /**
   * Writing thread of a stream that repeats another one: what that one had measured at its end.
   *
   * @param sum of the log-probabilities of {@code tokenCount} drawn tokens
   */
  public final void measured(double sum, int tokenCount) {
    logprobSum = sum;
    measuredTokens = tokenCount;
  }

  /** Writing thread: ends the stream; nothing is published afterwards. */
  public final void finish(FinishReason reason, Usage finalUsage, String failureMessage) {
    usage = finalUsage;
    failure = failureMessage;
    finish = reason;
    wakeup.run();
  }

  /** Tokens that it can carry: the request's max_tokens. */
  public final int capacityTokens() {
    return tokens.length;
  }

  /** Tokens that were given with the request; the first that is new has this index. */
  public final int resumedTokens() {
    return resumed.tokens().length;
  }

  final ResumedChoice resumed() {
    return resumed;
  }

  /** Tokens published so far, those given with the request included. */
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
   * Consumer, before it takes anything: the first new token and the end wake it, and from there on
   * every so many that it has not taken. It must look again after {@link #consumedUpTo}: as many
   * may have come before that was said.
   *
   * @param tokens at least 1, which is also what holds until this is called
   */
  public final void wakeEvery(int tokens) {
    if (tokens < 1) {
      throw new IllegalArgumentException(
          "a consumer woken every " + tokens + " tokens is never woken, give 1 or more");
    }
    wakeEvery = tokens;
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
   * Log-probabilities of the answer's tokens, valid from {@link #resumedTokens()} up to below
   * {@link #published()}; null if not asked for.
   */
  public final TokenLogprobs logprobs() {
    return logprobs;
  }

  /**
   * Log-probabilities of the prompt's tokens, valid once a token or the end is seen; null if not
   * asked for, for every choice but the first, and for a first choice that was resumed.
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

  /**
   * Sum of the log-probabilities of all tokens up to and including {@code index}, which must be new
   * and below {@link #published()}: what a node that resumes the choice behind it has to know. 0
   * for requests that do not measure them.
   */
  public final double logprobSum(int index) {
    return logprobSums == null ? 0 : logprobSums[index];
  }

  /** The same over everything drawn, a stop token included; valid once the stream ended. */
  public final double logprobSum() {
    return logprobSum;
  }

  /** Tokens that {@link #logprobSum()} is over; valid once the stream ended. */
  public final int measuredTokens() {
    return measuredTokens;
  }

  /** All tokens so far. */
  public final int[] snapshot() {
    return Arrays.copyOf(tokens, published);
  }
}
