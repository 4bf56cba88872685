package io.kvasir.node.bench;

import java.util.SplittableRandom;

/**
 * The requests of the serving bench: short prompts and answers of mixed lengths, as in a chat. The
 * n-th request is a function of (seed, n), so that everybody who is measured gets the same work in
 * the same order.
 *
 * @param vocabulary of the model; prompts are token ids below it
 */
record ServingMix(long seed, int vocabulary) {
  private static final int MIN_PROMPT_TOKENS = 8;
  private static final int MAX_PROMPT_TOKENS = 128;
  private static final int MIN_ANSWER_TOKENS = 32;
  private static final int MAX_ANSWER_TOKENS = 256;

  /** The longest prompt and answer together. */
  static final int MAX_TOKENS = MAX_PROMPT_TOKENS + MAX_ANSWER_TOKENS;

  /** One request's lengths in tokens; the answer is exactly that long. */
  record Lengths(int prompt, int answer) {}

  Lengths lengths(long index) {
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + index);
    return new Lengths(
        logUniform(random, MIN_PROMPT_TOKENS, MAX_PROMPT_TOKENS),
        logUniform(random, MIN_ANSWER_TOKENS, MAX_ANSWER_TOKENS));
  }

  /** Mostly short, seldom long. */
  private static int logUniform(SplittableRandom random, int least, int most) {
    double exponent = random.nextDouble(Math.log(least), Math.log(most + 1));
    return Math.clamp((int) Math.exp(exponent), least, most);
  }

  /** Tokens of an answer on the average of many. */
  double meanAnswerTokens() {
    // Of the density 1/x between the two bounds.
    return (MAX_ANSWER_TOKENS + 1 - MIN_ANSWER_TOKENS)
        / Math.log((MAX_ANSWER_TOKENS + 1) / (double) MIN_ANSWER_TOKENS);
  }

  /**
   * Token ids.
   *
   * @param run keeps prompts of one run out of the prefix cache of the next
   */
  int[] prompt(long index, long run) {
    long promptSeed = (seed * 7_000_003 + run) * 1_000_000_007 + index;
    return BenchEngine.prompt(lengths(index).prompt(), vocabulary, promptSeed);
  }
}
