package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A thousand requests of every kind through an engine that is short of memory, with cancellations
 * at any time: nothing leaks, every token is accounted for, and the same question gets the same
 * answer in whatever company.
 */
final class RandomRequestsTest {
  private static final int REQUESTS = 1_000;

  private record Question(int[] prompt, SamplingParameters sampling) {}

  private record Asked(long id, int question, List<TokenStream> streams) {}

  private final Random random = new Random(20261123);
  private final List<Question> questions = new ArrayList<>();
  private final List<Asked> asked = new ArrayList<>();

  @Test
  void shouldLeakNothingAndAccountForEveryToken() {
    for (int i = 0; i < 60; i++) {
      questions.add(question(i));
    }
    EngineOptions options =
        EngineOptions.of(EngineHarness.tokenBytes() * 600)
            .steps(48, Long.MAX_VALUE)
            .queue(24, 1 << 20)
            .seedBase(3);
    try (EngineHarness h =
        new EngineHarness(SeamHarness.config(), options, new DeficitRoundRobin(64))) {
      while (asked.size() < REQUESTS) {
        for (int burst = random.nextInt(5); burst > 0 && asked.size() < REQUESTS; burst--) {
          ask(h);
        }
        cancelSomething(h);
        h.step();
        assertTrue(h.counters.snapshot(0).running() <= 24);
      }
      for (int i = 0; !h.core.idle(); i++) {
        assertTrue(i < 200_000, "the engine did not come to an end");
        cancelSomething(h);
        h.step();
      }
      check(h);
    }
  }

  private Question question(int i) {
    // Prompts share beginnings, so that prefixes hit.
    int[] prompt = Arrays.copyOf(SeamHarness.tokens(120, i % 4), 3 + random.nextInt(100));
    int n = random.nextInt(3) == 0 ? 1 + random.nextInt(4) : 1;
    int maxTokens = 1 + random.nextInt(24);
    SamplingParameters.Builder b =
        ReferenceSampler.random(random, SeamHarness.VOCAB)
            .seed(random.nextLong())
            .maxTokens(maxTokens)
            .minTokens(random.nextInt(3) == 0 ? random.nextInt(maxTokens) : 0)
            .stopIds(random.nextBoolean() ? List.of(2, 11, 12) : List.of())
            .stopStrings(random.nextInt(4) == 0 ? List.of("t5", "t7 t") : List.of())
            .n(n)
            .bestOf(n + random.nextInt(2));
    if (random.nextBoolean()) {
      b.logprobs(random.nextInt(6));
    }
    if (random.nextInt(6) == 0) {
      b.promptLogprobs(random.nextInt(3));
    }
    return new Question(prompt, b.build());
  }

  private void ask(EngineHarness h) {
    int q = random.nextInt(questions.size());
    Question question = questions.get(q);
    long timeoutNs = random.nextInt(10) == 0 ? random.nextInt(60_000_000) : 0;
    List<TokenStream> streams =
        h.submitChoices(
            "t" + random.nextInt(3), question.prompt, question.sampling, timeoutNs, List.of());
    asked.add(new Asked(h.lastId(), q, streams));
  }

  private void cancelSomething(EngineHarness h) {
    if (random.nextInt(6) != 0 || asked.isEmpty()) {
      return;
    }
    // Mostly recent ones: those are waiting or running.
    int back = Math.min(asked.size(), 1 + random.nextInt(60));
    Asked target = asked.get(asked.size() - back);
    if (random.nextBoolean()) {
      h.core.cancel(target.id);
    } else {
      h.core.cancel(target.id, random.nextInt(target.streams.size()));
    }
  }

  private void check(EngineHarness h) {
    EngineStats stats = h.counters.snapshot(0);
    assertEquals(0, h.cache.leaseCount());
    assertEquals(0, h.cache.referencedBytes());
    assertEquals(0, stats.waiting());
    assertEquals(0, stats.running());
    assertEquals(0, h.waitingRoom.get());
    Map<FinishReason, Integer> reasons = new EnumMap<>(FinishReason.class);
    Map<String, int[]> answers = new HashMap<>();
    long generated = 0;
    long admittedPrompt = 0;
    long hits = 0;
    int choices = 0;
    for (Asked a : asked) {
      for (int c = 0; c < a.streams.size(); c++) {
        TokenStream s = a.streams.get(c);
        assertNotNull(s.finishReason());
        assertNull(s.failure());
        reasons.merge(s.finishReason(), 1, Integer::sum);
        Usage u = s.usage();
        assertEquals(u.promptTokens(), u.deviceHitTokens() + u.recomputedTokens());
        assertEquals(s.published(), u.generatedTokens());
        generated += s.published();
        choices++;
        if (c == 0 && u.rowLayersComputed() > 0) {
          admittedPrompt += u.promptTokens();
          hits += u.deviceHitTokens();
        }
        sameAnswer(answers, a.question + "/" + c, s.snapshot());
      }
    }
    assertEquals(stats.generatedTokens(), generated);
    assertEquals(stats.promptTokens(), admittedPrompt);
    assertEquals(stats.promptTokensHit(), hits);
    assertEquals(choices, stats.finishedRequests() + stats.cancelledRequests());
    assertTrue(hits > 0);
    assertTrue(stats.preemptions() > 0, "memory was to be short");
    for (FinishReason expected :
        List.of(
            FinishReason.STOP,
            FinishReason.LENGTH,
            FinishReason.CANCELLED,
            FinishReason.DEADLINE)) {
      assertTrue(reasons.getOrDefault(expected, 0) > 10, reasons.toString());
    }
  }

  /** What a cancelled answer got is the beginning of what a whole one gets. */
  private static void sameAnswer(Map<String, int[]> answers, String key, int[] tokens) {
    int[] known = answers.merge(key, tokens, (a, b) -> a.length >= b.length ? a : b);
    assertEquals(
        -1,
        Arrays.mismatch(Arrays.copyOf(known, tokens.length), tokens),
        () -> key + ": " + Arrays.toString(known) + " against " + Arrays.toString(tokens));
  }
}
