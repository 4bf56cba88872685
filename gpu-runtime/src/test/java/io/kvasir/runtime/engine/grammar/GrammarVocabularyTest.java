package io.kvasir.runtime.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.engine.LogitAdjuster;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Vocabularies of real tokenizers, a large one's speed, and the cache of grammars. */
class GrammarVocabularyTest {
  @Test
  void shouldRefuseTheEmbeddedModelWhoseWordsJoinByRulesOfTheirOwn() {
    try (Checkpoint factbook = Checkpoint.open("embedded:factbook")) {
      GrammarRefusedException e =
          assertThrows(
              GrammarRefusedException.class,
              () -> Vocabulary.of(factbook.tokenizer(), factbook.config().vocabSize(), List.of(1)));
      assertTrue(e.getMessage().contains("byte-level"), e.getMessage());
    }
  }

  @Test
  void shouldSpellJsonWithTheTokenizerOfDummyModels() {
    try (Checkpoint dummy = Checkpoint.open("dummy:bench-150m")) {
      Vocabulary vocabulary =
          Vocabulary.of(
              dummy.tokenizer(), dummy.config().vocabSize(), dummy.config().eosTokenIds());
      CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.JsonObject(), vocabulary);
      float[] logits = new float[vocabulary.size()];
      grammar.newMask().adjust(logits, 0, logits.length, new Answers.Path(new int[0], 0));
      assertEquals(0, logits[3 + '{']);
      assertEquals(Float.NEGATIVE_INFINITY, logits[3 + '[']);
      assertEquals(Float.NEGATIVE_INFINITY, logits[2]);
    }
  }

  /**
   * A hundred times what the bench shows, in CPU time, so that it fails only if a walk a step
   * returned.
   */
  @Test
  void shouldMaskALargeVocabularyInAFractionOfAStep() {
    Vocabulary vocabulary = Vocabularies.bytesAndMerges(128_000, 4);
    CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.JsonObject(), vocabulary);
    int[] answer = new int[400];
    String text = "{\"a\":[{\"b\":\"some text\"},12.5,";
    for (int i = 0; i < answer.length; i++) {
      answer[i] = 2 + (i < text.length() ? text.charAt(i) : i % 2 == 0 ? '7' : ',');
    }
    float[] logits = new float[vocabulary.size()];
    long nanos = 0;
    for (int round = 0; round < 2; round++) {
      LogitAdjuster mask = grammar.newMask();
      long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
      for (int n = 0; n <= answer.length; n++) {
        mask.adjust(logits, 0, logits.length, new Answers.Path(answer, n));
      }
      nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start;
    }
    assertTrue(nanos / answer.length < 2_000_000, nanos / answer.length + " ns a mask");
  }

  @Test
  void shouldCompileAGrammarOnceAndDropTheOldestBeyondTheBound() {
    GrammarCache cache = new GrammarCache(Vocabularies.bytesAndMerges(300, 1), 60_000);
    CompiledGrammar first = cache.get(new GrammarSpec.Choice(List.of("a")));
    assertSame(first, cache.get(new GrammarSpec.Choice(List.of("a"))));
    for (int i = 0; i < 40; i++) {
      cache.get(new GrammarSpec.JsonSchema("{\"const\":\"" + "x".repeat(100 + i) + "\"}", true));
    }
    assertTrue(cache.size() > 1 && cache.size() < 40, "grammars kept: " + cache.size());
    assertTrue(cache.lengthBytes() <= 60_000);
  }
}
