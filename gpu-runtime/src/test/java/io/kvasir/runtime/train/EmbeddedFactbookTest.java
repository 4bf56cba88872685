package io.kvasir.runtime.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.hubspot.jinjava.Jinjava;
import io.kvasir.runtime.train.factbook.Fact;
import io.kvasir.runtime.train.factbook.FactbookQuestion;
import io.kvasir.runtime.train.factbook.FactbookVocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The shipped folder: its tokenizer and chat template give exactly the tokens that were trained.
 */
class EmbeddedFactbookTest {
  private static final String FOLDER = "/io/kvasir/embedded/factbook/";
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void shouldTokenisePromptTextToTheTrainedTokens() throws IOException {
    try (HuggingFaceTokenizer tokenizer = tokenizer()) {
      for (FactbookQuestion question : FactbookQuestion.evaluationSet(100)) {
        long[] ids = tokenizer.encode(question.promptText(), true, false).getIds();
        assertArrayEquals(longs(question.promptTokens()), ids);
      }
    }
  }

  @Test
  void shouldGiveTheWordOfEachAnswerToken() throws IOException {
    try (HuggingFaceTokenizer tokenizer = tokenizer()) {
      for (int id = 3; id < FactbookVocabulary.get().size(); id++) {
        assertEquals(FactbookVocabulary.get().word(id), tokenizer.decode(new long[] {id}, true));
      }
      assertEquals("", tokenizer.decode(new long[] {FactbookVocabulary.EOS}, true));
    }
  }

  @Test
  void shouldRenderAConversationAsItWasTrained() throws IOException {
    FactbookQuestion question = FactbookQuestion.evaluationSet(50).getFirst();
    Fact second = question.document().facts().getLast();
    List<Map<String, String>> messages =
        List.of(
            Map.of("role", "user", "content", question.promptText()),
            Map.of("role", "assistant", "content", question.answer()),
            Map.of("role", "user", "content", second.questionText()));
    String template = json("tokenizer_config.json").get("chat_template").asText();

    String rendered =
        new Jinjava()
            .render(
                template,
                Map.of(
                    "messages",
                    messages,
                    "bos_token",
                    "<s>",
                    "eos_token",
                    "</s>",
                    "add_generation_prompt",
                    true));

    try (HuggingFaceTokenizer tokenizer = tokenizer()) {
      int[] answer = {question.answerToken(), FactbookVocabulary.EOS};
      long[] trained =
          LongStream.concat(
                  LongStream.concat(
                      LongStream.of(longs(question.promptTokens())), LongStream.of(longs(answer))),
                  LongStream.of(longs(second.questionTokens())))
              .toArray();
      assertArrayEquals(trained, tokenizer.encode(rendered, false, false).getIds());
    }
  }

  @Test
  void shouldDescribeAModelThatFitsTheVocabulary() throws IOException {
    JsonNode config = json("config.json");

    assertEquals("llama", config.get("model_type").asText());
    assertEquals(FactbookVocabulary.get().size(), config.get("vocab_size").asInt());
    assertEquals(64, config.get("head_dim").asInt());
    assertTrue(config.get("num_hidden_layers").asInt() >= 4);
    assertTrue(config.get("num_attention_heads").asInt() >= 4);
    assertTrue(config.get("num_key_value_heads").asInt() >= 2);
  }

  private static long[] longs(int[] tokens) {
    return IntStream.of(tokens).asLongStream().toArray();
  }

  private static HuggingFaceTokenizer tokenizer() throws IOException {
    try (InputStream file = open("tokenizer.json")) {
      return HuggingFaceTokenizer.newInstance(
          file, Map.of("truncation", "false", "padding", "false"));
    }
  }

  private static JsonNode json(String name) throws IOException {
    try (InputStream file = open(name)) {
      return JSON.readTree(file);
    }
  }

  private static InputStream open(String name) {
    return EmbeddedFactbookTest.class.getResourceAsStream(FOLDER + name);
  }
}
