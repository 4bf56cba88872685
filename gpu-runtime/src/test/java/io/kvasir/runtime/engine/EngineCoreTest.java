package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.AsyncScalarDevice;
import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EngineCoreTest {
  private static final long ROOMY = 8 << 20;

  @Test
  void shouldContinueGreedilyAsThePlainPathDoes() {
    int[] prompt = SeamHarness.tokens(37, 1);
    int[] expected;
    try (SeamHarness plain = SeamHarness.open(() -> io.kvasir.runtime.device.Devices.cpu(1))) {
      var sequence = plain.sequence();
      float[][] rows = plain.plain(sequence, prompt);
      expected = plain.greedy(sequence, rows[prompt.length - 1], 24);
      sequence.close();
    }
    try (EngineHarness h = EngineHarness.open(ROOMY, 16)) {
      assertArrayEquals(expected, h.generate(prompt, EngineHarness.greedy(24)));
    }
  }

  @Test
  void shouldGiveEachRequestTheSameTokensAloneBatchedAndPreempted() {
    List<int[]> prompts = EngineHarness.prompts(9, 3, 70, 5);
    List<int[]> alone = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      try (EngineHarness h = EngineHarness.open(ROOMY, 512)) {
        alone.add(h.generate(prompts.get(i), EngineHarness.seeded(40, i)));
      }
    }
    try (EngineHarness h = EngineHarness.open(ROOMY, 23)) {
      assertSameTokens(h, prompts, alone);
      assertEquals(0, h.counters.snapshot(0).preemptions());
    }
    // Room for about three of the nine sequences: the others are preempted and recomputed.
    try (EngineHarness h = EngineHarness.open(EngineHarness.tokenBytes() * 320, 64)) {
      assertSameTokens(h, prompts, alone);
      assertTrue(h.counters.snapshot(0).preemptions() > 0, "the arena was to be too small");
    }
    try (EngineHarness h =
        new EngineHarness(
            new AsyncScalarDevice(),
            SeamHarness.config(),
            EngineOptions.of(ROOMY).steps(31, Long.MAX_VALUE),
            new DeficitRoundRobin(64))) {
      assertSameTokens(h, prompts, alone);
    }
  }

  private static void assertSameTokens(EngineHarness h, List<int[]> prompts, List<int[]> alone) {
    List<TokenStream> streams = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      streams.add(h.submit("t" + i % 3, prompts.get(i), EngineHarness.seeded(40, i)));
    }
    h.runAll();
    for (int i = 0; i < prompts.size(); i++) {
      assertArrayEquals(alone.get(i), streams.get(i).snapshot(), "request " + i);
      Usage usage = streams.get(i).usage();
      assertEquals(prompts.get(i).length, usage.deviceHitTokens() + usage.recomputedTokens());
      assertEquals(40, usage.generatedTokens());
      assertEquals(FinishReason.LENGTH, streams.get(i).finishReason());
    }
    assertNothingHeld(h);
  }

  private static void assertNothingHeld(EngineHarness h) {
    assertEquals(0, h.cache.leaseCount());
    assertEquals(0, h.cache.referencedBytes());
  }

  @Test
  void shouldComputeOneRowWhenAWholePromptHits() {
    int[] prompt = SeamHarness.tokens(64, 3);
    try (EngineHarness h = EngineHarness.open(ROOMY, 128)) {
      TokenStream cold = h.submit("a", prompt, EngineHarness.greedy(1));
      h.runAll();
      TokenStream warm = h.submit("a", prompt, EngineHarness.greedy(1));
      h.runAll();
      assertEquals(0, cold.usage().deviceHitTokens());
      assertEquals(64, warm.usage().deviceHitTokens());
      assertEquals(h.model.layerCount(), warm.usage().rowLayersComputed());
      assertArrayEquals(cold.snapshot(), warm.snapshot());
      TokenStream stranger = h.submit("b", prompt, EngineHarness.greedy(1));
      h.runAll();
      assertEquals(0, stranger.usage().deviceHitTokens(), "another tenant's blocks are not ours");
      assertArrayEquals(cold.snapshot(), stranger.snapshot());
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldReuseTheAnswerOfATurnInTheNext() {
    try (EngineHarness h = EngineHarness.open(ROOMY, 128)) {
      int[] first = SeamHarness.tokens(40, 9);
      int[] answer = h.generate(first, EngineHarness.greedy(30));
      int[] second = java.util.Arrays.copyOf(first, 80);
      System.arraycopy(answer, 0, second, 40, 30);
      System.arraycopy(SeamHarness.tokens(10, 4), 0, second, 70, 10);
      TokenStream turn = h.submit("a", second, EngineHarness.greedy(5));
      h.runAll();
      assertEquals(64, turn.usage().deviceHitTokens(), "four full blocks of 16");
      try (EngineHarness cold = EngineHarness.open(ROOMY, 128)) {
        assertArrayEquals(cold.generate(second, EngineHarness.greedy(5)), turn.snapshot());
      }
    }
  }

  @Test
  void shouldDeliverLogitsOfAnyPromptRowAlsoAfterAPrefixHit() {
    int[] prompt = SeamHarness.tokens(50, 11);
    float[][] expected;
    try (SeamHarness plain = SeamHarness.open(() -> io.kvasir.runtime.device.Devices.cpu(1))) {
      expected = plain.plain(prompt);
    }
    try (EngineHarness h = EngineHarness.open(ROOMY, 16)) {
      h.generate(prompt, EngineHarness.greedy(1));
      TokenStream s = h.submit("a", prompt, EngineHarness.greedy(1), 0, List.of(0, 17, 48, 49));
      h.runAll();
      assertArrayEquals(expected[0], s.promptLogits()[0]);
      assertArrayEquals(expected[17], s.promptLogits()[1]);
      assertArrayEquals(expected[48], s.promptLogits()[2]);
      assertArrayEquals(expected[49], s.promptLogits()[3]);
    }
  }

  @Test
  void shouldEndAtStopIdsAndStopStringsButNotBeforeMinTokens() {
    int[] prompt = SeamHarness.tokens(20, 13);
    try (EngineHarness h = EngineHarness.open(ROOMY, 64)) {
      int[] free = h.generate(prompt, EngineHarness.greedy(12));
      int stop = free[4];
      int firstAt = indexOf(free, stop);
      TokenStream byId = h.submit("a", prompt, SamplingParameters.greedy(12, List.of(stop)));
      h.runAll();
      assertEquals(FinishReason.STOP, byId.finishReason());
      assertArrayEquals(java.util.Arrays.copyOf(free, firstAt), byId.snapshot());
      SamplingParameters text =
          EngineHarness.greedy(12).toBuilder()
              .stopStrings(List.of("t" + free[3] + " t" + free[4]))
              .build();
      TokenStream byText = h.submit("a", prompt, text);
      h.runAll();
      assertEquals(FinishReason.STOP, byText.finishReason());
      assertTrue(byText.published() <= 5);
      SamplingParameters late =
          SamplingParameters.greedy(12, List.of(stop)).toBuilder().minTokens(8).build();
      TokenStream masked = h.submit("a", prompt, late);
      h.runAll();
      assertTrue(masked.published() >= 8);
      assertFalse(indexOf(java.util.Arrays.copyOf(masked.snapshot(), 8), stop) >= 0);
    }
  }

  private static int indexOf(int[] values, int wanted) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] == wanted) {
        return i;
      }
    }
    return -1;
  }

  @Test
  void shouldReleaseEverythingWhenCancelledOrLate() {
    try (EngineHarness h = EngineHarness.open(ROOMY, 8)) {
      TokenStream cancelled = h.submit("a", SeamHarness.tokens(60, 1), EngineHarness.greedy(400));
      long id = h.lastId();
      TokenStream late =
          h.submit(
              "a", SeamHarness.tokens(60, 2), EngineHarness.greedy(400), 20_000_000, List.of());
      for (int i = 0; i < 10; i++) {
        h.nowNs.addAndGet(1_000_000);
        h.core.step();
      }
      h.core.cancel(id);
      h.core.step();
      assertEquals(FinishReason.CANCELLED, cancelled.finishReason());
      assertEquals(null, late.finishReason());
      h.nowNs.addAndGet(20_000_000);
      h.core.step();
      assertEquals(FinishReason.DEADLINE, late.finishReason());
      assertTrue(h.core.idle());
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldEndARequestThatTheArenaCannotHoldWithTheNumbers() {
    try (EngineHarness h = EngineHarness.open(EngineHarness.tokenBytes() * 64, 512)) {
      TokenStream s = h.submit("a", SeamHarness.tokens(200, 1), EngineHarness.greedy(4));
      h.runAll();
      assertEquals(FinishReason.ERROR, s.finishReason());
      assertNotNull(s.failure());
      assertTrue(s.failure().contains("200 tokens"), s.failure());
      assertNothingHeld(h);
      assertEquals(4, h.generate(SeamHarness.tokens(10, 1), EngineHarness.greedy(4)).length);
    }
  }

  @Test
  void shouldBoundTheRowsOfAStepByRowLayers() {
    EngineOptions options = EngineOptions.of(ROOMY).steps(512, 4 * 10);
    try (EngineHarness h =
        new EngineHarness(SeamHarness.config(), options, new DeficitRoundRobin(64))) {
      h.submit("a", SeamHarness.tokens(35, 1), EngineHarness.greedy(1));
      assertEquals(10, h.core.step());
      assertEquals(10, h.core.step());
      assertEquals(10, h.core.step());
      assertEquals(5, h.core.step());
    }
  }

  @Test
  void shouldKeepDecodingWhileALongPromptIsPrefilledInChunks() {
    try (EngineHarness h = EngineHarness.open(ROOMY, 16)) {
      TokenStream fast = h.submit("a", SeamHarness.tokens(4, 1), EngineHarness.greedy(100));
      h.core.step();
      h.submit("b", SeamHarness.tokens(150, 2), EngineHarness.greedy(1));
      int before = fast.published();
      for (int i = 0; i < 5; i++) {
        assertEquals(16, h.core.step(), "one decode row and a chunk of 15");
      }
      assertEquals(before + 5, fast.published());
    }
  }
}
