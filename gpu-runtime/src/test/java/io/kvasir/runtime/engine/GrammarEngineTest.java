package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.runtime.engine.grammar.CompiledGrammar;
import io.kvasir.runtime.engine.grammar.GrammarCompiler;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import io.kvasir.runtime.engine.grammar.Vocabulary;
import io.kvasir.runtime.model.SeamHarness;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Random weights, sampled through a mask by the engine: valid texts, whatever runs beside them. */
final class GrammarEngineTest {
  private static final int END = 2;
  private static final int ANSWER_TOKENS = 160;
  private static final long ROOMY = 8 << 20;
  private static final byte[][] TOKENS = tokens();
  private static final Vocabulary VOCABULARY = Vocabulary.of(TOKENS, List.of(END));
  private static final String SCHEMA =
      """
      {"type": "object",
       "properties": {
         "kind": {"enum": ["ab", "c"]},
         "size": {"type": "integer", "minimum": -20, "maximum": 300},
         "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 3}},
       "required": ["kind", "size"], "additionalProperties": false}
      """;
  private static final CompiledGrammar GRAMMAR =
      GrammarCompiler.compile(new GrammarSpec.JsonSchema(SCHEMA, true), VOCABULARY);

  /** Printable ASCII and one token of two bytes for the harness's 97 ids. */
  private static byte[][] tokens() {
    byte[][] out = new byte[SeamHarness.VOCAB][];
    for (int id = 3; id < out.length - 1; id++) {
      out[id] = new byte[] {(byte) (id - 3 + '"')};
    }
    out[out.length - 1] = "\":".getBytes(StandardCharsets.UTF_8);
    out[0] = new byte[] {' '};
    return out;
  }

  @Test
  void shouldDrawTheSameValidTextAloneBatchedAndPreempted() throws Exception {
    List<int[]> prompts = EngineHarness.prompts(8, 3, 70, 5);
    List<int[]> alone = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      try (EngineHarness h = EngineHarness.open(ROOMY, 512)) {
        TokenStream stream = submit(h, prompts.get(i), i);
        h.runAll();
        alone.add(stream.snapshot());
        checkText(stream);
      }
    }
    try (EngineHarness h = EngineHarness.open(ROOMY, 23)) {
      assertSame(h, prompts, alone);
    }
    try (EngineHarness h = EngineHarness.open(EngineHarness.tokenBytes() * 320, 64)) {
      assertSame(h, prompts, alone);
      assertTrue(h.counters.snapshot(0).preemptions() > 0, "the arena was to be too small");
    }
  }

  private static void assertSame(EngineHarness h, List<int[]> prompts, List<int[]> alone) {
    List<TokenStream> streams = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      streams.add(submit(h, prompts.get(i), i));
      // Requests without a grammar share the batch.
      h.submit("free", prompts.get(i), EngineHarness.seeded(40, i));
    }
    h.runAll();
    for (int i = 0; i < prompts.size(); i++) {
      assertArrayEquals(alone.get(i), streams.get(i).snapshot(), "request " + i);
    }
    assertEquals(0, h.cache.leaseCount());
  }

  private static TokenStream submit(EngineHarness h, int[] prompt, int number) {
    SamplingParameters sampling =
        new SamplingParameters(
            1.2f,
            number % 2 == 0 ? 1f : 0.95f,
            0,
            0f,
            (long) number,
            ANSWER_TOKENS,
            0,
            List.of(END),
            List.of());
    TokenStream stream = new TokenStream(ANSWER_TOKENS, 0, () -> {});
    h.core.accept(
        new GenerationRequest(
            1_000_000 + number,
            "t" + number % 3,
            prompt.clone(),
            sampling,
            0,
            List.of(),
            List.of(GRAMMAR.newMask()),
            stream),
        h.nowNs.get());
    return stream;
  }

  private static void checkText(TokenStream stream) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int token : stream.snapshot()) {
      out.writeBytes(TOKENS[token]);
    }
    String text = out.toString(StandardCharsets.UTF_8);
    assertEquals(FinishReason.STOP, stream.finishReason(), text);
    JsonNode value = new ObjectMapper().readTree(text);
    assertTrue(List.of("ab", "c").contains(value.get("kind").textValue()), text);
    int size = value.get("size").intValue();
    assertTrue(size >= -20 && size <= 300, text);
    assertTrue(GRAMMAR.accepts(text), text);
  }

  @Test
  void shouldCutTheTextWhenMaxTokensRunOut() {
    try (EngineHarness h = EngineHarness.open(ROOMY, 64)) {
      SamplingParameters few =
          new SamplingParameters(1, 1, 0, 0, 3L, 4, 0, List.of(END), List.of());
      TokenStream stream = new TokenStream(4, 0, () -> {});
      h.core.accept(
          new GenerationRequest(
              7,
              "a",
              SeamHarness.tokens(5, 1),
              few,
              0,
              List.of(),
              List.of(GRAMMAR.newMask()),
              stream),
          h.nowNs.get());
      h.runAll();
      assertEquals(FinishReason.LENGTH, stream.finishReason());
      assertEquals(4, stream.snapshot().length);
    }
  }
}
