package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class LogprobsTest {
  private static final long ROOMY = 8 << 20;

  @Test
  void shouldComputeTheLogarithmToTheLastBits() {
    Random random = new Random(4);
    for (int i = 0; i < 20_000; i++) {
      double x = 1 + Math.exp(12 * random.nextDouble()) * random.nextDouble();
      double exact = StrictMath.log(x);
      assertEquals(exact, Logarithm.log(x), 4e-16 * Math.max(1, exact), "x=" + x);
    }
    assertEquals(0, Logarithm.log(1));
    assertEquals(StrictMath.log(1e-5), Logarithm.log(1e-5), 4e-15);
  }

  @Test
  void shouldReportTheModelsOwnDistributionWhateverChangesTheDraw() {
    int[] prompt = SeamHarness.tokens(33, 1);
    SamplingParameters s =
        EngineHarness.seeded(20, 4).toBuilder()
            .penalties(new Penalties(1.5f, 1, 1))
            .logitBias(Map.of(5, 100f, 6, -100f))
            .logprobs(5)
            .build();
    try (EngineHarness h = EngineHarness.open(ROOMY, 64)) {
      TokenStream stream = h.submit("a", prompt, s);
      h.runAll();
      float[][] rows = ReferenceSamplerTest.rows(h, prompt, stream.snapshot());
      for (int i = 0; i < 20; i++) {
        float[] row = rows[i];
        double expected = ReferenceSampler.logprob(row, stream.token(i));
        assertEquals(expected, stream.logprobs().logprob(i), 1e-5);
        List<Integer> top = ReferenceSampler.likeliest(row, 5);
        for (int k = 0; k < 5; k++) {
          assertEquals(top.get(k), stream.logprobs().topToken(i, k));
          assertEquals(
              ReferenceSampler.logprob(row, top.get(k)), stream.logprobs().topLogprob(i, k), 1e-5);
        }
      }
      assertNull(h.submit("a", prompt, EngineHarness.greedy(1)).logprobs());
      h.runAll();
    }
  }

  @Test
  void shouldOrderTiesByIdAndReachEveryTokenOfASmallVocabulary() {
    LogprobRow row = new LogprobRow();
    TokenLogprobs kept = new TokenLogprobs(1, 4);
    row.measure(new float[] {9, 1, 3, 1, 3}, 1, 4, 4);
    row.store(kept, 0, 1);
    assertEquals(1, kept.topToken(0, 0));
    assertEquals(3, kept.topToken(0, 1));
    assertEquals(0, kept.topToken(0, 2));
    assertEquals(2, kept.topToken(0, 3));
    assertEquals(kept.topLogprob(0, 2), kept.logprob(0));
    double mass = 0;
    for (int k = 0; k < 4; k++) {
      mass += Math.exp(kept.topLogprob(0, k));
    }
    assertEquals(1, mass, 1e-6);
  }

  @Test
  void shouldReportThePromptWithItsAlternativesAfterAnyHit() {
    int[] prompt = SeamHarness.tokens(50, 11);
    float[][] rows;
    try (SeamHarness plain = SeamHarness.open(() -> io.kvasir.runtime.device.Devices.cpu(1))) {
      rows = plain.plain(prompt);
    }
    SamplingParameters s =
        EngineHarness.greedy(3).toBuilder().n(2).logprobs(0).promptLogprobs(3).build();
    try (EngineHarness h = EngineHarness.open(ROOMY, 16)) {
      h.generate(prompt, EngineHarness.greedy(1));
      List<TokenStream> streams = h.submitChoices("a", prompt, s);
      h.runAll();
      TokenLogprobs kept = streams.getFirst().promptLogprobs();
      assertTrue(Float.isNaN(kept.logprob(0)), "nothing predicts the first token");
      for (int i = 1; i < 50; i++) {
        assertEquals(ReferenceSampler.logprob(rows[i - 1], prompt[i]), kept.logprob(i), 1e-5);
        List<Integer> top = ReferenceSampler.likeliest(rows[i - 1], 3);
        for (int k = 0; k < 3; k++) {
          assertEquals(top.get(k), kept.topToken(i, k));
        }
      }
      assertNull(streams.get(1).promptLogprobs());
      assertEquals(0, streams.getFirst().logprobs().topCount());
      Usage usage = streams.getFirst().usage();
      assertEquals(50, usage.recomputedTokens(), "a prompt that is measured is computed");
    }
  }

  @Test
  void shouldNotDependOnTheBatch() {
    List<int[]> prompts = EngineHarness.prompts(9, 3, 70, 5);
    List<float[]> alone = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      try (EngineHarness h = EngineHarness.open(ROOMY, 512)) {
        TokenStream stream = h.submit("a", prompts.get(i), measured(i));
        h.runAll();
        alone.add(values(stream, prompts.get(i).length));
      }
    }
    for (long tokens : new long[] {4_000, 320}) {
      try (EngineHarness h = EngineHarness.open(EngineHarness.tokenBytes() * tokens, 23)) {
        List<TokenStream> streams = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
          streams.add(h.submit("a", prompts.get(i), measured(i)));
        }
        h.runAll();
        assertEquals(tokens == 320, h.counters.snapshot(0).preemptions() > 0);
        for (int i = 0; i < prompts.size(); i++) {
          assertArrayEquals(alone.get(i), values(streams.get(i), prompts.get(i).length));
        }
      }
    }
  }

  private static SamplingParameters measured(int i) {
    return EngineHarness.seeded(40, i).toBuilder().logprobs(3).promptLogprobs(1).build();
  }

  /** Everything that was measured, in one row. */
  private static float[] values(TokenStream stream, int promptTokens) {
    List<Float> all = new ArrayList<>();
    for (int i = 0; i < stream.published(); i++) {
      all.add(stream.logprobs().logprob(i));
      for (int k = 0; k < 3; k++) {
        all.add((float) stream.logprobs().topToken(i, k));
        all.add(stream.logprobs().topLogprob(i, k));
      }
    }
    for (int i = 1; i < promptTokens; i++) {
      all.add(stream.promptLogprobs().logprob(i));
      all.add(stream.promptLogprobs().topLogprob(i, 0));
    }
    float[] values = new float[all.size()];
    IntStream.range(0, values.length).forEach(i -> values[i] = all.get(i));
    return values;
  }
}
