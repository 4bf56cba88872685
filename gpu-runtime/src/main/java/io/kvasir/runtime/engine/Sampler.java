package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * Draws one token from a row of logits. Order: temperature, softmax, top_k, top_p, min_p, draw;
 * ties go to the lower id. The result depends on (logits, parameters, seed, position) only. Engine
 * thread; scratch is reused, nothing is allocated per token.
 */
public final class Sampler {
  /** Logits further below the maximum than this (after temperature) have probability 0. */
  private static final double FLOOR = -700;

  private final double[] weight;
  private final int[] candidate;

  public Sampler(int vocabSize) {
    this.weight = new double[vocabSize];
    this.candidate = new int[vocabSize];
  }

  /** The largest logit's id; the lowest id among equals. NaN is never chosen over a number. */
  public static int greedy(float[] logits, int offset, int vocabSize) {
    int best = 0;
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabSize; i++) {
      if (logits[offset + i] > largest) {
        largest = logits[offset + i];
        best = i;
      }
    }
    return best;
  }

  /**
   * @param position of the drawn token in its sequence, prompt included
   */
  public int sample(
      float[] logits, int offset, int vocabSize, SamplingParameters p, long seed, long position) {
    int best = greedy(logits, offset, vocabSize);
    if (p.temperature() == 0 || p.topK() == 1) {
      return best;
    }
    double top = logits[offset + best];
    double scale = 1.0 / p.temperature();
    int count = 0;
    double floor = p.minP() > 0 ? Math.max(FLOOR, StrictMath.log(p.minP()) - 1e-9) : FLOOR;
    for (int i = 0; i < vocabSize; i++) {
      double distance = (logits[offset + i] - top) * scale;
      // min_p only ever removes what lies below its share of the best, so it may cut up front when
      // no other rule normalises over the rest.
      if (distance >= (p.topP() < 1 ? FLOOR : floor)) {
        weight[i] = Exponential.exp(distance);
        candidate[count++] = i;
      }
    }
    boolean ordered = p.topK() > 0 || p.topP() < 1;
    int kept = count;
    double mass = 0;
    if (ordered) {
      double all = 0;
      for (int c = 0; c < count; c++) {
        all += weight[candidate[c]];
      }
      kept = cut(count, p, all);
    }
    for (int c = 0; c < kept; c++) {
      if (weight[candidate[c]] < p.minP()) {
        continue;
      }
      mass += weight[candidate[c]];
    }
    double target = RandomDraws.uniform(seed, position, 0) * mass;
    int chosen = best;
    for (int c = 0; c < kept; c++) {
      int id = candidate[c];
      if (weight[id] < p.minP()) {
        continue;
      }
      chosen = id;
      target -= weight[id];
      if (target < 0) {
        break;
      }
    }
    return chosen;
  }

  /**
   * Moves the candidates that survive top_k and top_p to the front, heaviest first, by a heap: only
   * survivors are ordered.
   */
  private int cut(int count, SamplingParameters p, double all) {
    for (int i = count / 2 - 1; i >= 0; i--) {
      sink(i, count);
    }
    int limit = p.topK() > 0 ? Math.min(p.topK(), count) : count;
    // top_p is a share of what top_k left; the sum over those is known once they are popped.
    int popped = 0;
    double sum = 0;
    double wanted = p.topK() > 0 ? Double.POSITIVE_INFINITY : p.topP() * all;
    while (popped < limit && sum < wanted) {
      int top = candidate[0];
      int last = count - 1 - popped;
      candidate[0] = candidate[last];
      candidate[last] = top;
      sink(0, last);
      sum += weight[top];
      popped++;
    }
    reverse(count - popped, count);
    System.arraycopy(candidate, count - popped, candidate, 0, popped);
    if (p.topK() > 0 && p.topP() < 1) {
      double share = p.topP() * sum;
      double running = 0;
      int kept = 0;
      while (kept < popped && running < share) {
        running += weight[candidate[kept++]];
      }
      return kept;
    }
    return popped;
  }

  private void sink(int from, int size) {
    int at = from;
    int id = candidate[at];
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && heavier(candidate[child + 1], candidate[child])) {
        child++;
      }
      if (!heavier(candidate[child], id)) {
        break;
      }
      candidate[at] = candidate[child];
      at = child;
    }
    candidate[at] = id;
  }

  private boolean heavier(int a, int b) {
    return weight[a] > weight[b] || weight[a] == weight[b] && a < b;
  }

  private void reverse(int from, int to) {
    for (int i = from, j = to - 1; i < j; i++, j--) {
      int swap = candidate[i];
      candidate[i] = candidate[j];
      candidate[j] = swap;
    }
  }

  /** Probabilities of a row after temperature alone, for tests and log-probabilities. */
  public static double[] probabilities(float[] logits, int offset, int vocabSize, double t) {
    double[] p = new double[vocabSize];
    double top = logits[offset + greedy(logits, offset, vocabSize)];
    for (int i = 0; i < vocabSize; i++) {
      p[i] = Exponential.exp((logits[offset + i] - top) / t);
    }
    double sum = Arrays.stream(p).sum();
    for (int i = 0; i < vocabSize; i++) {
      p[i] /= sum;
    }
    return p;
  }
}
