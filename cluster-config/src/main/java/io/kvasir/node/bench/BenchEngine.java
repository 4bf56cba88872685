package io.kvasir.node.bench;

import java.util.Map;
import java.util.SplittableRandom;

/**
 * An engine under measurement, in this process or behind a pipe. Prompts are pseudo-random token
 * ids, a function of (seed, count), so that every engine computes the same. Greedy, end-of-sequence
 * ignored. For one thread.
 */
interface BenchEngine extends AutoCloseable {
  /**
   * One sequence.
   *
   * @param firstTokenSeconds from submission to the first token
   * @param decodeTokensPerSecond rate between the first and the last token; NaN for one token
   * @param promptTokensComputed prompt rows that were computed, not found in a cache; −1 if unknown
   */
  record Timing(double firstTokenSeconds, double decodeTokensPerSecond, int promptTokensComputed) {}

  /** A prompt of {@code promptTokens}, then {@code generatedTokens}. */
  Timing generate(int promptTokens, int generatedTokens, long seed) throws Exception;

  /**
   * A closed loop of so many clients over a {@link ServingMix}; figures by name.
   *
   * @throws UnsupportedOperationException if the engine takes one request at a time
   */
  default Map<String, Object> load(int clients, double rampSeconds, double windowSeconds, long seed)
      throws Exception {
    throw new UnsupportedOperationException("one request at a time");
  }

  @Override
  void close();

  /** The prompt of a seed: ids in [3, vocabulary), which spares the special ones. */
  static int[] prompt(int tokenCount, int vocabulary, long seed) {
    return new SplittableRandom(seed).ints(tokenCount, 3, vocabulary).toArray();
  }
}
