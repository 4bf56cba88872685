package io.kvasir.runtime.engine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;

/**
 * The definition of a draw, written to be read: one list after another, everything sorted, nothing
 * shared with the engine but the random number, the exponential and the parameters.
 */
final class ReferenceSampler {
  private ReferenceSampler() {}

  /** The token that follows prompt and answer, given the model's own logits. */
  static int next(
      float[] raw, List<Integer> prompt, List<Integer> answer, SamplingParameters p, long seed) {
    float[] x = changed(raw, prompt, answer, p);
    int best = 0;
    for (int i = 1; i < x.length; i++) {
      if (x[i] > x[best]) {
        best = i;
      }
    }
    if (p.temperature() == 0 || p.topK() == 1) {
      return best;
    }
    double[] distance = new double[x.length];
    double[] weight = new double[x.length];
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < x.length; i++) {
      distance[i] = ((double) x[i] - x[best]) * (1.0 / p.temperature());
      weight[i] = Exponential.exp(distance[i]);
      if (distance[i] >= -700) {
        ids.add(i);
      }
    }
    Comparator<Integer> heaviestFirst =
        Comparator.<Integer>comparingDouble(i -> -weight[i]).thenComparing(i -> i);
    if (p.topK() > 0 || p.topP() < 1) {
      // Sums run in candidate order; top_p's total is over ids when top_k is off.
      double all = sum(weight, ids);
      ids.sort(heaviestFirst);
      if (p.topK() > 0) {
        ids = ids.subList(0, Math.min(p.topK(), ids.size()));
        all = sum(weight, ids);
      }
      if (p.topP() < 1) {
        ids = prefixOfMass(weight, ids, p.topP() * all);
      }
    }
    ids = new ArrayList<>(ids);
    ids.removeIf(i -> weight[i] < p.minP());
    if (p.typicalP() < 1) {
      double all = sum(weight, ids);
      double weighted = 0;
      for (int i : ids) {
        weighted += weight[i] * distance[i];
      }
      double mean = weighted / all;
      ids.sort(
          Comparator.<Integer>comparingDouble(i -> Math.abs(distance[i] - mean))
              .thenComparing(i -> i));
      ids = prefixOfMass(weight, ids, p.typicalP() * all);
    }
    double left = RandomDraws.uniform(seed, prompt.size() + answer.size(), 0) * sum(weight, ids);
    for (int i : ids) {
      left -= weight[i];
      if (left < 0) {
        return i;
      }
    }
    return ids.isEmpty() ? best : ids.getLast();
  }

  /** Bias, min_tokens, repetition, frequency, presence: in this order, in f32. */
  static float[] changed(
      float[] raw, List<Integer> prompt, List<Integer> answer, SamplingParameters p) {
    float[] x = raw.clone();
    p.logitBias().forEach((id, bias) -> x[id] = x[id] + bias);
    if (answer.size() < p.minTokens()) {
      p.stopIds().forEach(id -> x[id] = Float.NEGATIVE_INFINITY);
    }
    HashSet<Integer> seen = new HashSet<>(prompt);
    seen.addAll(answer);
    float repetition = p.penalties().repetition();
    if (repetition != 1) {
      seen.forEach(id -> x[id] = x[id] > 0 ? x[id] / repetition : x[id] * repetition);
    }
    for (int id : new HashSet<>(answer)) {
      x[id] = x[id] - p.penalties().frequency() * Collections.frequency(answer, id);
      x[id] = x[id] - p.penalties().presence();
    }
    return x;
  }

  private static double sum(double[] weight, List<Integer> ids) {
    double sum = 0;
    for (int i : ids) {
      sum += weight[i];
    }
    return sum;
  }

  private static List<Integer> prefixOfMass(double[] weight, List<Integer> ids, double mass) {
    int count = 0;
    double sum = 0;
    while (count < ids.size() && sum < mass) {
      sum += weight[ids.get(count++)];
    }
    return ids.subList(0, count);
  }

  /** Natural log-softmax, with the library's functions. */
  static double logprob(float[] raw, int token) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float x : raw) {
      largest = Math.max(largest, x);
    }
    double sum = 0;
    for (float x : raw) {
      sum += StrictMath.exp(x - largest);
    }
    return raw[token] - largest - StrictMath.log(sum);
  }

  /** Ids by falling logit, the lower id first among equals. */
  static List<Integer> likeliest(float[] raw, int count) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < raw.length; i++) {
      ids.add(i);
    }
    ids.sort(Comparator.<Integer>comparingDouble(i -> -raw[i]).thenComparing(i -> i));
    return ids.subList(0, count);
  }

  /** Any parameters a request may have, each off about half the time. */
  static SamplingParameters.Builder random(Random random, int vocabSize) {
    SamplingParameters.Builder b = SamplingParameters.builder();
    b.temperature(pick(random, 0f, 0.01f, 0.7f, 1f, 2.5f, 100f));
    b.topP(pick(random, 1f, 1f, 0.95f, 0.5f, 0.001f));
    b.topK(random.nextBoolean() ? 0 : 1 + random.nextInt(vocabSize + 50));
    b.minP(pick(random, 0f, 0f, 0.02f, 0.5f, 1f));
    b.typicalP(pick(random, 1f, 1f, 0.9f, 0.3f, 0.001f));
    if (random.nextBoolean()) {
      b.penalties(
          new Penalties(
              pick(random, 1f, 1.1f, 2f, 0.5f),
              pick(random, 0f, 0.4f, -2f, 2f),
              pick(random, 0f, 0.3f, -1f, 2f)));
    }
    if (random.nextInt(3) == 0) {
      java.util.Map<Integer, Float> bias = new java.util.HashMap<>();
      for (int i = 0; i < 5; i++) {
        bias.put(random.nextInt(vocabSize), 10 * random.nextFloat() - 5);
      }
      bias.put(random.nextInt(vocabSize), pick(random, -100f, 100f, 0f));
      b.logitBias(bias);
    }
    return b;
  }

  private static float pick(Random random, float... values) {
    return values[random.nextInt(values.length)];
  }
}
