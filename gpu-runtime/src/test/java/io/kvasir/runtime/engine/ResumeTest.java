package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.engine.grammar.CompiledGrammar;
import io.kvasir.runtime.engine.grammar.GrammarCompiler;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import io.kvasir.runtime.engine.grammar.Vocabulary;
import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * An answer cut anywhere and continued by another engine is, token for token, the answer that was
 * never cut.
 */
final class ResumeTest {
  private static final long ARENA_BYTES = 4 << 20;
  private static final Supplier<List<LogitAdjuster>> PLAIN = List::of;

  /** Answers of one request that ran to its end in one place. */
  private record Whole(List<TokenStream> streams) {
    int longest() {
      return streams.stream().mapToInt(TokenStream::published).max().orElseThrow();
    }

    /** Its choice as a node knows it that saw {@code count} tokens and perhaps the end. */
    ResumedChoice cut(int choice, int count, boolean sawEnd) {
      TokenStream s = streams.get(choice);
      int seen = Math.min(count, s.published());
      int[] tokens = Arrays.copyOf(s.snapshot(), seen);
      if (sawEnd && seen == s.published()) {
        return ResumedChoice.ended(tokens, s.logprobSum(), s.measuredTokens(), s.finishReason());
      }
      return ResumedChoice.running(tokens, seen == 0 ? 0 : s.logprobSum(seen - 1));
    }
  }

  private static EngineHarness harness() {
    return EngineHarness.open(ARENA_BYTES, 48);
  }

  private static List<TokenStream> run(
      EngineHarness h,
      int[] prompt,
      SamplingParameters s,
      List<LogitAdjuster> adjusters,
      List<ResumedChoice> resumed) {
    List<TokenStream> streams = new ArrayList<>();
    for (int i = 0; i < s.bestOf(); i++) {
      ResumedChoice choice = resumed.isEmpty() ? ResumedChoice.FRESH : resumed.get(i);
      streams.add(TokenStream.of(s, i, prompt.length, SeamHarness.VOCAB, choice, () -> {}));
    }
    h.accept(
        new GenerationRequest(
            h.nextId(), "a", prompt.clone(), s, 0, List.of(), adjusters, streams));
    h.runAll();
    return streams;
  }

  /** Cuts the answer at every index; with several choices at different ones. */
  private static void assertSameWhereverCut(
      int[] prompt, SamplingParameters s, Supplier<List<LogitAdjuster>> adjusters) {
    try (EngineHarness first = harness();
        EngineHarness second = harness()) {
      Whole whole = new Whole(run(first, prompt, s, adjusters.get(), List.of()));
      int longest = whole.longest();
      assertTrue(longest > 3, "an answer of " + longest + " tokens proves little");
      for (int cut = 0; cut <= longest; cut++) {
        List<ResumedChoice> resumed = new ArrayList<>();
        for (int i = 0; i < s.bestOf(); i++) {
          resumed.add(whole.cut(i, (cut + 5 * i) % (longest + 1), (cut + i) % 2 == 0));
        }
        if (cut % 3 == 0) {
          second.cache.evictUnreferenced();
        }
        List<TokenStream> streams = run(second, prompt, s, adjusters.get(), resumed);
        for (int i = 0; i < s.bestOf(); i++) {
          assertContinues(whole.streams.get(i), streams.get(i), resumed.get(i), cut);
        }
      }
      assertEquals(0, second.cache.leaseCount());
      assertEquals(0, second.waitingRoom.get());
    }
  }

  private static void assertContinues(
      TokenStream whole, TokenStream resumed, ResumedChoice given, int cut) {
    String where = "cut at " + cut + ", " + given.tokens().length + " tokens given";
    assertArrayEquals(whole.snapshot(), resumed.snapshot(), where);
    assertEquals(whole.finishReason(), resumed.finishReason(), where);
    assertEquals(whole.meanLogprob(), resumed.meanLogprob(), where);
    int from = given.tokens().length;
    assertEquals(from, resumed.resumedTokens());
    assertEquals(from, resumed.usage().replayedTokens());
    assertEquals(whole.published(), resumed.usage().generatedTokens());
    for (int t = from; t < whole.published() && whole.logprobs() != null; t++) {
      assertEquals(whole.logprobs().logprob(t), resumed.logprobs().logprob(t), where);
      assertEquals(whole.logprobs().topToken(t, 1), resumed.logprobs().topToken(t, 1), where);
      assertEquals(whole.logprobSum(t), resumed.logprobSum(t), where);
    }
  }

  @Test
  void shouldContinueAGreedyAnswer() {
    assertSameWhereverCut(SeamHarness.tokens(40, 1), EngineHarness.greedy(20), PLAIN);
  }

  @Test
  void shouldContinueASeededAnswerWithPenaltiesAndLogprobs() {
    SamplingParameters s =
        EngineHarness.seeded(40, 11).toBuilder()
            .penalties(new Penalties(1.3f, 0.4f, 0.3f))
            .minTokens(6)
            .stopIds(List.of(2, 11, 12, 40))
            .logprobs(3)
            .build();
    assertSameWhereverCut(SeamHarness.tokens(33, 2), s, PLAIN);
  }

  @Test
  void shouldContinueEachOfSeveralChoices() {
    SamplingParameters s =
        EngineHarness.seeded(18, 5).toBuilder()
            .n(2)
            .bestOf(4)
            .stopIds(List.of(3, 9, 27, 31))
            .build();
    assertSameWhereverCut(SeamHarness.tokens(37, 3), s, PLAIN);
    assertSameWhereverCut(SeamHarness.tokens(32, 3), s, PLAIN);
  }

  @Test
  void shouldSeeAStopStringThatBeganBeforeTheCut() {
    try (EngineHarness h = harness()) {
      int[] prompt = SeamHarness.tokens(30, 4);
      int[] free = h.generate(prompt, EngineHarness.seeded(24, 9));
      String stop = "t" + free[13] + " t" + free[14] + " t";
      SamplingParameters s =
          EngineHarness.seeded(24, 9).toBuilder().stopStrings(List.of(stop)).build();
      assertSameWhereverCut(prompt, s, PLAIN);
    }
  }

  @Test
  void shouldStayInTheGrammar() {
    byte[][] tokens = new byte[SeamHarness.VOCAB][];
    for (int id = 3; id < tokens.length; id++) {
      tokens[id] = new byte[] {(byte) (id - 3 + '"')};
    }
    Vocabulary vocabulary = Vocabulary.of(tokens, List.of(2));
    CompiledGrammar grammar =
        GrammarCompiler.compile(
            new GrammarSpec.Regex("(ab|cd)+[0-9]{3,12}(\\(x{2,9}\\))*"), vocabulary);
    SamplingParameters s =
        EngineHarness.seeded(30, 21).toBuilder().temperature(2f).n(2).stopIds(List.of(2)).build();
    assertSameWhereverCut(SeamHarness.tokens(20, 5), s, () -> List.of(grammar.newMask()));
  }

  @Test
  void shouldPublishOnlyNewTokensAndWakeForThem() {
    try (EngineHarness h = harness()) {
      int[] prompt = SeamHarness.tokens(20, 6);
      SamplingParameters s = EngineHarness.greedy(8);
      int[] whole = h.generate(prompt, s);
      ResumedChoice given = ResumedChoice.running(Arrays.copyOf(whole, 5), 0);
      List<Integer> woken = new ArrayList<>();
      TokenStream[] own = new TokenStream[1];
      own[0] =
          TokenStream.of(s, 0, 20, SeamHarness.VOCAB, given, () -> woken.add(own[0].published()));
      assertEquals(5, own[0].published());
      h.accept(new GenerationRequest(h.nextId(), "a", prompt, s, 0, List.of(), own[0]));
      h.step();
      assertEquals(List.of(6), woken);
      h.runAll();
      assertArrayEquals(whole, own[0].snapshot());
      assertEquals(24, own[0].usage().promptTokens() + 4);
      // Greedy tokens of the first run were sealed with the prompt: 16 of its 20 tokens hit.
      assertEquals(16, own[0].usage().deviceHitTokens());
    }
  }

  @Test
  void shouldEndAtOnceWhatWasCompleteWithoutSayingSo() {
    try (EngineHarness h = harness()) {
      int[] prompt = SeamHarness.tokens(20, 7);
      SamplingParameters s = EngineHarness.greedy(6);
      int[] whole = h.generate(prompt, s);
      List<TokenStream> streams =
          run(h, prompt, s, List.of(), List.of(ResumedChoice.running(whole, 0)));
      assertEquals(FinishReason.LENGTH, streams.getFirst().finishReason());
      assertEquals(0, streams.getFirst().usage().rowLayersComputed());
      assertEquals(6, streams.getFirst().usage().replayedTokens());
      assertTrue(h.core.idle());
    }
  }

  @Test
  void shouldRefuseMoreTokensThanTheAnswerMayHave() {
    SamplingParameters s = EngineHarness.greedy(6);
    ResumedChoice tooLong = ResumedChoice.running(new int[7], 0);
    assertTrue(
        assertThrows(
                IllegalArgumentException.class,
                () -> TokenStream.of(s, 0, 4, SeamHarness.VOCAB, tooLong, () -> {}))
            .getMessage()
            .contains("resumed tokens=7 exceed max_tokens=6"));
  }
}
