package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** n and best_of: several answers to a prompt that is computed once. */
final class ChoicesTest {
  private static final long ROOMY = 8 << 20;

  private static SamplingParameters choices(int n, int tokens, long seed) {
    return EngineHarness.seeded(tokens, seed).toBuilder().n(n).build();
  }

  private static int[] alone(int[] prompt, SamplingParameters s, int choice) {
    try (EngineHarness h = EngineHarness.open(ROOMY, 512)) {
      return h.generate(
          prompt, s.toBuilder().n(1).bestOf(0).seed(Choices.seed(s.seed(), choice)).build());
    }
  }

  private static void assertNothingHeld(EngineHarness h) {
    assertTrue(h.core.idle());
    assertEquals(0, h.cache.leaseCount());
    assertEquals(0, h.cache.referencedBytes());
    EngineStats stats = h.counters.snapshot(0);
    assertEquals(0, stats.waiting());
    assertEquals(0, stats.running());
    assertEquals(0, h.waitingRoom.get());
  }

  @Test
  void shouldComputeThePromptOnceForAllChoices() {
    // 53 tokens: three full blocks of 16, and a partial one that each choice copies when it writes.
    int[] prompt = SeamHarness.tokens(53, 1);
    int tokens = 20;
    SamplingParameters s = choices(4, tokens, 77);
    for (int chunk : new int[] {512, 16, 7}) {
      try (EngineHarness h = EngineHarness.open(ROOMY, chunk)) {
        List<TokenStream> streams = h.submitChoices("a", prompt, s);
        h.runAll();
        List<Usage> usages = streams.stream().map(TokenStream::usage).toList();
        Usage usage = Usage.ofRequest(usages);
        // The prompt's rows count once; of the last layer only the row that gave logits is run.
        // Each of the four then computes its tokens but the last.
        int layers = h.model.layerCount();
        long ofPrompt = prompt.length * (layers - 1) + 1;
        assertEquals(ofPrompt + 4L * (tokens - 1) * layers, usage.rowLayersComputed());
        assertEquals(prompt.length, usage.recomputedTokens());
        assertEquals(4 * tokens, usage.generatedTokens());
        for (Usage u : usages) {
          assertEquals(u.promptTokens(), u.deviceHitTokens() + u.recomputedTokens());
        }
        assertEquals(53, usages.get(3).deviceHitTokens());
        assertEquals(53, h.counters.snapshot(0).promptTokens());
        assertEquals(0, h.counters.snapshot(0).promptTokensHit());
        assertNothingHeld(h);
      }
    }
  }

  @Test
  void shouldSharePagesOfThePromptBetweenChoices() {
    int[] prompt = SeamHarness.tokens(160, 2);
    try (EngineHarness h = EngineHarness.open(ROOMY, 512)) {
      h.submitChoices("a", prompt, choices(8, 10, 5));
      h.step();
      h.step();
      long page = 16 * EngineHarness.tokenBytes();
      assertEquals(10 + 8, h.cache.referencedBytes() / page, "ten of the prompt, one a choice");
      h.runAll();
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldMakeEachChoiceAFunctionOfSeedAndIndex() {
    int[] prompt = SeamHarness.tokens(37, 3);
    SamplingParameters s = choices(5, 25, -42);
    List<int[]> expected = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      expected.add(alone(prompt, s, i));
    }
    assertArrayEquals(
        alone(prompt, choices(1, 25, -42), 0), expected.getFirst(), "choice 0 is the n=1 answer");
    assertNotEquals(Arrays.toString(expected.get(0)), Arrays.toString(expected.get(1)));
    assertNotEquals(Arrays.toString(expected.get(1)), Arrays.toString(expected.get(2)));
    for (int n : new int[] {2, 5}) {
      try (EngineHarness h = EngineHarness.open(ROOMY, 24)) {
        h.submit("b", SeamHarness.tokens(90, 8), EngineHarness.seeded(60, 1));
        List<TokenStream> cold = h.submitChoices("a", prompt, s.toBuilder().n(n).build());
        h.runAll();
        List<TokenStream> warm = h.submitChoices("a", prompt, s.toBuilder().n(n).build());
        h.runAll();
        for (int i = 0; i < n; i++) {
          assertArrayEquals(expected.get(i), cold.get(i).snapshot(), "choice " + i);
          assertArrayEquals(expected.get(i), warm.get(i).snapshot(), "choice " + i);
        }
        assertEquals(32, warm.getFirst().usage().deviceHitTokens());
        assertNothingHeld(h);
      }
    }
  }

  @Test
  void shouldGiveTheSameChoicesWhenPreempted() {
    SamplingParameters s =
        choices(4, 40, 9).toBuilder().penalties(new Penalties(1.2f, 0.5f, 0.5f)).build();
    List<int[]> prompts = EngineHarness.prompts(4, 20, 70, 6);
    // Room for about 320 tokens: four prompts with four answers each need more than twice that.
    try (EngineHarness h = EngineHarness.open(EngineHarness.tokenBytes() * 320, 64)) {
      List<List<TokenStream>> all = new ArrayList<>();
      for (int[] prompt : prompts) {
        all.add(h.submitChoices("a", prompt, s));
      }
      h.runAll();
      assertTrue(h.counters.snapshot(0).preemptions() > 0, "the arena was to be too small");
      for (int p = 0; p < prompts.size(); p++) {
        for (int i = 0; i < 4; i++) {
          assertArrayEquals(alone(prompts.get(p), s, i), all.get(p).get(i).snapshot(), p + "/" + i);
          assertEquals(FinishReason.LENGTH, all.get(p).get(i).finishReason());
        }
      }
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldNotNeedPrefixReuse() {
    int[] prompt = SeamHarness.tokens(50, 4);
    SchedulingPolicy forgetful = new ForgetfulPolicy();
    try (EngineHarness h =
        new EngineHarness(
            SeamHarness.config(),
            EngineOptions.of(ROOMY).steps(64, Long.MAX_VALUE).seedBase(7),
            forgetful)) {
      SamplingParameters s = choices(3, 12, 5);
      for (int round = 0; round < 2; round++) {
        List<TokenStream> streams = h.submitChoices("a", prompt, s);
        h.runAll();
        assertEquals(0, streams.getFirst().usage().deviceHitTokens(), "nothing is kept");
        for (int i = 0; i < 3; i++) {
          assertArrayEquals(alone(prompt, s, i), streams.get(i).snapshot());
        }
      }
      assertNothingHeld(h);
      assertEquals(0, h.cache.usedBytes());
    }
  }

  /** Keeps nothing of a finished request. */
  private static final class ForgetfulPolicy implements SchedulingPolicy {
    private final DeficitRoundRobin order = new DeficitRoundRobin(64);

    @Override
    public void waiting(Ticket ticket, boolean preempted) {
      order.waiting(ticket, preempted);
    }

    @Override
    public void removed(Ticket ticket) {
      order.removed(ticket);
    }

    @Override
    public Ticket next(long nowNs) {
      return order.next(nowNs);
    }

    @Override
    public void admitted(Ticket ticket) {
      order.admitted(ticket);
    }

    @Override
    public Running victim(List<Running> running, long nowNs) {
      return order.victim(running, nowNs);
    }

    @Override
    public int keepTokens(Running finished, FinishReason reason) {
      return 0;
    }
  }

  @Test
  void shouldCancelOneChoiceOrAllAtAnyTime() {
    int[] prompt = SeamHarness.tokens(40, 5);
    SamplingParameters s = choices(3, 30, 5);
    // Steps of 16 rows: the prompt takes three.
    for (int when : new int[] {0, 1, 2, 3, 4, 10}) {
      for (int which = -1; which < 3; which++) {
        try (EngineHarness h = EngineHarness.open(ROOMY, 16)) {
          List<TokenStream> streams = h.submitChoices("a", prompt, s);
          for (int i = 0; i < when; i++) {
            h.step();
          }
          if (which < 0) {
            h.core.cancel(h.lastId());
          } else {
            h.core.cancel(h.lastId(), which);
          }
          h.runAll();
          for (int i = 0; i < 3; i++) {
            boolean cancelled = which < 0 || which == i;
            assertEquals(
                cancelled ? FinishReason.CANCELLED : FinishReason.LENGTH,
                streams.get(i).finishReason());
            int[] whole = alone(prompt, s, i);
            int[] got = streams.get(i).snapshot();
            assertArrayEquals(Arrays.copyOf(whole, got.length), got);
            assertTrue(cancelled ? got.length < 30 : got.length == 30);
          }
          assertNothingHeld(h);
        }
      }
    }
  }

  @Test
  void shouldEndEveryChoiceAtTheDeadlineOrWhenThePromptDoesNotFit() {
    SamplingParameters s = choices(3, 300, 5);
    try (EngineHarness h = EngineHarness.open(ROOMY, 16)) {
      List<TokenStream> streams =
          h.submitChoices("a", SeamHarness.tokens(40, 5), s, 10_000_000, List.of());
      h.runAll();
      for (TokenStream stream : streams) {
        assertEquals(FinishReason.DEADLINE, stream.finishReason());
      }
      assertNothingHeld(h);
    }
    try (EngineHarness h = EngineHarness.open(EngineHarness.tokenBytes() * 64, 512)) {
      List<TokenStream> streams =
          h.submitChoices("a", SeamHarness.tokens(100, 5), choices(3, 4, 5), 0, List.of());
      h.runAll();
      for (TokenStream stream : streams) {
        assertEquals(FinishReason.ERROR, stream.finishReason());
        assertTrue(stream.failure().contains("100 tokens"), stream.failure());
      }
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldCountEveryChoiceAgainstTheRunningOnes() {
    EngineOptions options =
        EngineOptions.of(ROOMY).steps(64, Long.MAX_VALUE).queue(5, 100).seedBase(1);
    try (EngineHarness h =
        new EngineHarness(SeamHarness.config(), options, new DeficitRoundRobin(64))) {
      h.submitChoices("a", SeamHarness.tokens(100, 1), choices(3, 10, 1));
      h.submitChoices("a", SeamHarness.tokens(10, 2), choices(3, 10, 1));
      h.step();
      EngineStats stats = h.counters.snapshot(0);
      assertEquals(3, stats.running(), "places are held while the prompt is computed");
      assertEquals(3, stats.waiting());
      for (int i = 0; i < 40; i++) {
        h.step();
        assertTrue(h.counters.snapshot(0).running() <= 5);
      }
      h.runAll();
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldChargeATenantForAllChoices() {
    EngineOptions options =
        EngineOptions.of(ROOMY).steps(512, Long.MAX_VALUE).queue(8, 100).seedBase(1);
    try (EngineHarness h =
        new EngineHarness(SeamHarness.config(), options, new DeficitRoundRobin(64))) {
      h.submitChoices("many", SeamHarness.tokens(10, 1), choices(8, 64, 1));
      for (int i = 0; i < 4; i++) {
        h.submitChoices("few", SeamHarness.tokens(10, 2 + i), choices(1, 20, 1));
      }
      // 522 tokens are nine turns of 64; those of the other tenant fit into two.
      h.step();
      EngineStats stats = h.counters.snapshot(0);
      assertEquals(4, stats.running());
      assertEquals(8, stats.waiting());
      h.runAll();
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldRankByMeanLogprobAndPutBrokenChoicesLast() {
    TokenStream[] s = new TokenStream[4];
    Usage usage = new Usage(1, PromptSources.cached(1, 0), 0, 0, 0, 0, 0, 0, 0);
    float[][] logprobs = {{-1f, -1f}, {-0.5f}, {-0.5f, -0.5f, -0.5f}, {-0.1f}};
    for (int i = 0; i < 4; i++) {
      s[i] = new TokenStream(4, 0, () -> {});
      for (float logprob : logprobs[i]) {
        s[i].measured(logprob);
      }
      s[i].finish(i == 3 ? FinishReason.CANCELLED : FinishReason.STOP, usage, null);
    }
    assertEquals(List.of(1, 2, 0, 3), Choices.best(List.of(s), 4));
    assertEquals(List.of(1), Choices.best(List.of(s), 1));
  }

  @Test
  void shouldMeasureWhatBestOfRanksBy() {
    int[] prompt = SeamHarness.tokens(30, 9);
    SamplingParameters s = choices(2, 12, 3).toBuilder().bestOf(5).build();
    try (EngineHarness h = EngineHarness.open(ROOMY, 64)) {
      List<TokenStream> streams = h.submitChoices("a", prompt, s);
      h.runAll();
      List<Double> means = new ArrayList<>();
      for (TokenStream stream : streams) {
        int[] answer = stream.snapshot();
        float[][] rows = ReferenceSamplerTest.rows(h, prompt, answer);
        double sum = 0;
        for (int i = 0; i < answer.length; i++) {
          sum += ReferenceSampler.logprob(rows[i], answer[i]);
        }
        means.add(sum / answer.length);
        assertEquals(sum / answer.length, stream.meanLogprob(), 1e-5);
      }
      List<Integer> best = Choices.best(streams, 2);
      double second = means.get(best.get(1));
      assertTrue(means.get(best.get(0)) >= second);
      assertEquals(2, means.stream().filter(m -> m >= second).count());
    }
  }
}
