package io.kvasir.runtime.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Whatever random tokens a mask lets through parses and validates, judged by another
 * implementation; and what validates is let through.
 */
class RandomSchemaTest {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final JsonSchemaFactory VALIDATORS =
      JsonSchemaFactory.getInstance(VersionFlag.V202012);

  @Test
  void shouldDrawValidAnswersAndTakeValidValuesOfAThousandSchemas() throws Exception {
    Vocabulary[] vocabularies = {
      Vocabularies.bytesAndMerges(258, 1),
      Vocabularies.bytesAndMerges(700, 2),
      Vocabularies.bytesAndMerges(1500, 3)
    };
    for (int seed = 0; seed < 1000; seed++) {
      check(seed, vocabularies[seed % 3], 2);
    }
  }

  @Test
  void shouldDrawValidAnswersWithALargeVocabulary() throws Exception {
    Vocabulary vocabulary = Vocabularies.bytesAndMerges(128_000, 4);
    for (int seed = 5000; seed < 5020; seed++) {
      check(seed, vocabulary, 1);
    }
  }

  @Tag("slow")
  @Test
  void shouldDrawValidAnswersOfManyMoreSchemas() throws Exception {
    Vocabulary small = Vocabularies.bytesAndMerges(900, 5);
    Vocabulary large = Vocabularies.bytesAndMerges(128_000, 6);
    for (int seed = 10_000; seed < 30_000; seed++) {
      check(seed, seed % 50 == 0 ? large : small, 2);
    }
  }

  private static void check(int seed, Vocabulary vocabulary, int draws) throws Exception {
    RandomSchemas.Case made = RandomSchemas.of(seed);
    String schema = made.schema().toString();
    boolean strict = seed % 2 == 0;
    CompiledGrammar grammar =
        GrammarCompiler.compile(new GrammarSpec.JsonSchema(schema, strict), vocabulary);
    Random random = new Random(seed);
    JsonSchema validator = validator(schema);
    for (int i = 0; i < draws; i++) {
      String answer = Answers.draw(grammar, random, Answers.MAX_TOKENS);
      assertNotNull(answer, () -> hint(seed, schema, "without end"));
      assertTrue(grammar.accepts(answer), () -> hint(seed, schema, answer));
      Set<ValidationMessage> problems = validator.validate(parse(answer, seed, schema));
      assertEquals(Set.of(), problems, () -> hint(seed, schema, answer));
      JsonNode value = made.values().get();
      assertEquals(Set.of(), validator.validate(value), () -> hint(seed, schema, value.toString()));
      String text = RandomSchemas.write(value, i % 2 == 0);
      assertNull(Answers.refusal(grammar, text, random), () -> hint(seed, schema, text));
    }
  }

  private static JsonSchema validator(String schema) {
    SchemaValidatorsConfig config =
        SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();
    return VALIDATORS.getSchema(schema, config);
  }

  private static JsonNode parse(String answer, int seed, String schema) {
    try {
      return JSON.readTree(answer);
    } catch (JsonProcessingException e) {
      throw new AssertionError(hint(seed, schema, answer), e);
    }
  }

  private static String hint(int seed, String schema, String answer) {
    return "seed " + seed + ", schema " + schema + ", answer " + answer;
  }
}
