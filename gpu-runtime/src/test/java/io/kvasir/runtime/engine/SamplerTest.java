package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class SamplerTest {
  private static final int VOCAB = 200;

  /** The definition, written with sorted lists. */
  private static int reference(float[] logits, SamplingParameters p, long seed, long position) {
    List<Integer> ids = new ArrayList<>();
    double top = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      ids.add(i);
      top = Math.max(top, logits[i]);
    }
    double[] w = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      w[i] = Exponential.exp((logits[i] - top) * (1.0 / p.temperature()));
    }
    boolean sorted = p.topP() < 1 || p.topK() > 0;
    if (sorted) {
      ids.sort(Comparator.<Integer>comparingDouble(i -> -w[i]).thenComparingInt(i -> i));
    }
    if (p.topK() > 0 && p.topK() < ids.size()) {
      ids = new ArrayList<>(ids.subList(0, p.topK()));
    }
    if (p.topP() < 1) {
      double all = ids.stream().mapToDouble(i -> w[i]).sum();
      List<Integer> kept = new ArrayList<>();
      double sum = 0;
      for (int i : ids) {
        if (sum >= p.topP() * all) {
          break;
        }
        kept.add(i);
        sum += w[i];
      }
      ids = kept;
    }
    ids = new ArrayList<>(ids);
    ids.removeIf(i -> w[i] < p.minP());
    double mass = 0;
    for (int i : ids) {
      mass += w[i];
    }
    double target = RandomDraws.uniform(seed, position, 0) * mass;
    int chosen = ids.getFirst();
    for (int i : ids) {
      chosen = i;
      target -= w[i];
      if (target < 0) {
        break;
      }
    }
    return chosen;
  }

  @Test
  void shouldMatchTheDefinitionDrawForDraw() {
    Random random = new Random(99);
    Sampler sampler = new Sampler(VOCAB);
    float[] ps = {1f, 0.95f, 0.5f, 0.01f};
    int[] ks = {0, 1, 5, 150};
    float[] mins = {0f, 0.05f, 0.6f};
    for (int trial = 0; trial < 3_000; trial++) {
      float[] logits = new float[VOCAB];
      for (int i = 0; i < VOCAB; i++) {
        logits[i] = (float) random.nextGaussian() * 3;
      }
      if (trial % 7 == 0) {
        logits[5] = logits[9];
      }
      if (trial % 5 == 0) {
        logits[3] = Float.NEGATIVE_INFINITY;
      }
      SamplingParameters p =
          SamplingParameters.builder()
              .temperature(0.2f + 2 * random.nextFloat())
              .topP(ps[random.nextInt(4)])
              .topK(ks[random.nextInt(4)])
              .minP(mins[random.nextInt(3)])
              .build();
      int expected =
          p.topK() == 1 ? Sampler.greedy(logits, 0, VOCAB) : reference(logits, p, trial, 3);
      assertEquals(expected, sampler.sample(logits, 0, VOCAB, p, trial, 3), "trial " + trial);
    }
  }

  @Test
  void shouldDrawInProportion() {
    float[] logits = {(float) Math.log(1), (float) Math.log(2), (float) Math.log(7)};
    Sampler sampler = new Sampler(3);
    SamplingParameters p = SamplingParameters.builder().build();
    int[] counts = new int[3];
    for (int i = 0; i < 20_000; i++) {
      counts[sampler.sample(logits, 0, 3, p, 12345, i)]++;
    }
    assertEquals(2_000, counts[0], 200);
    assertEquals(4_000, counts[1], 250);
    assertEquals(14_000, counts[2], 300);
  }

  @Test
  void shouldPreferTheLowestIdAmongEqualsWhenGreedy() {
    assertEquals(1, Sampler.greedy(new float[] {0, 4, 4, Float.NaN}, 0, 4));
  }

  @Test
  void shouldDrawIndependentlyPerSeedPositionAndSubDraw() {
    long a = RandomDraws.bits(1, 1, 0);
    assertNotEquals(a, RandomDraws.bits(2, 1, 0));
    assertNotEquals(a, RandomDraws.bits(1, 2, 0));
    assertNotEquals(a, RandomDraws.bits(1, 1, 1));
    assertEquals(a, RandomDraws.bits(1, 1, 0));
  }

  @Test
  void shouldComputeTheExponentialToTheLastBits() {
    Random random = new Random(4);
    for (int i = 0; i < 20_000; i++) {
      double x = -708 * random.nextDouble();
      double exact = StrictMath.exp(x);
      assertTrue(Math.abs(Exponential.exp(x) - exact) <= 4e-16 * exact * 4, "x=" + x);
    }
    assertEquals(0, Exponential.exp(-1000));
    assertEquals(1, Exponential.exp(0));
  }
}
