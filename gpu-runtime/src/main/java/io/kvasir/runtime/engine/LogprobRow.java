package io.kvasir.runtime.engine;

/**
 * Log-softmax of one row of logits: the likeliest tokens, and any token asked for. The sum runs in
 * f64 over ascending ids, one chain, so that it is one function of the row (law 1). Engine thread;
 * scratch is reused.
 */
final class LogprobRow {
  private final int[] topToken = new int[SamplingParameters.MAX_TOP_LOGPROBS];
  private final float[] topLogprob = new float[SamplingParameters.MAX_TOP_LOGPROBS];
  private final float[] topLogit = new float[SamplingParameters.MAX_TOP_LOGPROBS];
  private double largest;
  private double logSum;

  /** Reads a row; {@code topCount} of its likeliest tokens are kept. */
  void measure(float[] logits, int offset, int vocabSize, int topCount) {
    select(logits, offset, vocabSize, Math.min(topCount, vocabSize));
    largest =
        topCount > 0 ? topLogit[0] : logits[offset + Sampler.greedy(logits, offset, vocabSize)];
    double sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      sum += Exponential.exp(logits[offset + i] - largest);
    }
    logSum = Logarithm.log(sum);
    for (int k = 0; k < Math.min(topCount, vocabSize); k++) {
      topLogprob[k] = of(topLogit[k]);
    }
  }

  /** Log-probability of a token of the measured row that has this logit. */
  float of(float logit) {
    return (float) (logit - largest - logSum);
  }

  /** Writes the measured row as that of {@code token}, whose logit is given. */
  void store(TokenLogprobs into, int index, float logit) {
    into.set(index, of(logit), topToken, topLogprob);
  }

  /** Insertion into a short ordered list; ids ascend, so equals stay behind the lower id. */
  private void select(float[] logits, int offset, int vocabSize, int wanted) {
    int kept = 0;
    float least = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabSize && wanted > 0; i++) {
      float x = logits[offset + i];
      if (kept == wanted && !(x > least)) {
        continue;
      }
      int at = kept < wanted ? kept++ : wanted - 1;
      while (at > 0 && x > topLogit[at - 1]) {
        topLogit[at] = topLogit[at - 1];
        topToken[at] = topToken[at - 1];
        at--;
      }
      topLogit[at] = x;
      topToken[at] = i;
      least = topLogit[kept - 1];
    }
  }
}
