package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * Draws one token from a row of logits. Order: temperature, softmax, top_k, top_p, min_p,
 * typical_p, draw; each cut is taken over what the ones before it left, and ties go to the lower
 * id. The result depends on (logits, parameters, seed, position) only. Engine thread; scratch is
 * reused, nothing is allocated per token.
 */
public final class Sampler {
  /** Logits further below the maximum than this (after temperature) have probability 0. */
  private static final double FLOOR = -700;

  private final double[] weight;
  private final double[] distance;
  private final double[] typicality;
  private final int[] candidate;

  public Sampler(int vocabSize) {
    this.weight = new double[vocabSize];
    this.distance = new double[vocabSize];
    this.typicality = new double[vocabSize];
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
    double floor = p.minP() > 0 ? Math.max(FLOOR, Logarithm.log(p.minP()) - 1e-9) : FLOOR;
    for (int i = 0; i < vocabSize; i++) {
      double below = (logits[offset + i] - top) * scale;
      // min_p only ever removes what lies below its share of the best, so it may cut up front when
      // no rule before it normalises over the rest.
      if (below >= (p.topP() < 1 ? FLOOR : floor)) {
        weight[i] = Exponential.exp(below);
        distance[i] = below;
        candidate[count++] = i;
      }
    }
    int kept = count;
    if (p.topK() > 0 || p.topP() < 1) {
      kept = cut(count, p, mass(count));
    }
    if (p.minP() > 0) {
      kept = cutBelow(kept, p.minP());
    }
    if (p.typicalP() < 1) {
      kept = cutToTypical(kept, p.typicalP());
    }
    double target = RandomDraws.uniform(seed, position, 0) * mass(kept);
    int chosen = best;
    for (int c = 0; c < kept; c++) {
      chosen = candidate[c];
      target -= weight[chosen];
      if (target < 0) {
        break;
      }
    }
    return chosen;
  }

  private double mass(int count) {
    double sum = 0;
    for (int c = 0; c < count; c++) {
      sum += weight[candidate[c]];
    }
    return sum;
  }

  private int cutBelow(int count, float minP) {
    int kept = 0;
    for (int c = 0; c < count; c++) {
      if (weight[candidate[c]] >= minP) {
        candidate[kept++] = candidate[c];
      }
    }
    return kept;
  }

  /**
   * Keeps the candidates whose surprise is nearest to its expectation until they hold the mass. The
   * sums' logarithm is in both, so that distances below the top can stand for surprise.
   */
  private int cutToTypical(int count, float typicalP) {
    double all = mass(count);
    double expected = 0;
    for (int c = 0; c < count; c++) {
      expected += weight[candidate[c]] * distance[candidate[c]];
    }
    expected /= all;
    for (int c = 0; c < count; c++) {
      typicality[candidate[c]] = -Math.abs(distance[candidate[c]] - expected);
    }
    heapify(count, typicality);
    return pop(count, count, typicalP * all, typicality);
  }

  /**
   * Moves the candidates that survive top_k and top_p to the front, heaviest first, by a heap: only
   * survivors are ordered.
   */
  private int cut(int count, SamplingParameters p, double all) {
    heapify(count, weight);
    int limit = p.topK() > 0 ? Math.min(p.topK(), count) : count;
    // top_p is a share of what top_k left; the sum over those is known once they are popped.
    double wanted = p.topK() > 0 ? Double.POSITIVE_INFINITY : p.topP() * all;
    int popped = pop(count, limit, wanted, weight);
    if (p.topK() > 0 && p.topP() < 1) {
      double share = p.topP() * mass(popped);
      double running = 0;
      int kept = 0;
      while (kept < popped && running < share) {
        running += weight[candidate[kept++]];
      }
      return kept;
    }
    return popped;
  }

  private void heapify(int count, double[] key) {
    for (int i = count / 2 - 1; i >= 0; i--) {
      sink(i, count, key);
    }
  }

  /**
   * Moves candidates to the front by falling key, at most {@code limit} and until they weigh {@code
   * wanted}; returns how many.
   */
  private int pop(int count, int limit, double wanted, double[] key) {
    int popped = 0;
    double sum = 0;
    while (popped < limit && sum < wanted) {
      int top = candidate[0];
      int last = count - 1 - popped;
      candidate[0] = candidate[last];
      candidate[last] = top;
      sink(0, last, key);
      sum += weight[top];
      popped++;
    }
    reverse(count - popped, count);
    System.arraycopy(candidate, count - popped, candidate, 0, popped);
    return popped;
  }

  private void sink(int from, int size, double[] key) {
    int at = from;
    int id = candidate[at];
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && precedes(candidate[child + 1], candidate[child], key)) {
        child++;
      }
      if (!precedes(candidate[child], id, key)) {
        break;
      }
      candidate[at] = candidate[child];
      at = child;
    }
    candidate[at] = id;
  }

  private static boolean precedes(int a, int b, double[] key) {
    return key[a] > key[b] || key[a] == key[b] && a < b;
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
