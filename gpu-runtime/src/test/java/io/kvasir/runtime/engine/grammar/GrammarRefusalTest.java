package io.kvasir.runtime.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bad and hostile grammars end in one sentence, soon. */
class GrammarRefusalTest {
  private static final Vocabulary BYTES = Vocabularies.bytesAndMerges(300, 8);

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"$ref\":\"#\"} | its root leads back to itself",
        "{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]} | its root leads back to itself",
        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"}]}}} |"
            + " /$defs/a leads back to itself",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"multipleOf\":3}}} | /properties/a has the"
            + " keyword \"multipleOf\"",
        "{\"not\":{}} | keyword \"not\"",
        "{\"if\":{}} | keyword \"if\"",
        "{\"type\":\"object\",\"patternProperties\":{}} | keyword \"patternProperties\"",
        "{\"type\":\"array\",\"uniqueItems\":true} | uniqueItems",
        "{\"type\":\"array\",\"items\":[{}]} | name it prefixItems",
        "{\"type\":\"array\",\"contains\":{}} | keyword \"contains\"",
        "{\"type\":\"array\",\"minItems\":-1} | minItems that is no count",
        "{\"type\":\"object\",\"minProperties\":2} | minProperties 2",
        "{\"type\":\"text\"} | the type \"text\"",
        "{\"type\":[]} | empty list of types",
        "{\"type\":\"string\",\"format\":\"email\"} | the format \"email\"",
        "{\"type\":\"string\",\"pattern\":\"a(?=b)\"} | (at character 1)",
        "{\"type\":\"string\",\"pattern\":7} | pattern that is no string",
        "{\"type\":\"string\",\"minLength\":5,\"maxLength\":2} | no text at all",
        "{\"type\":\"integer\",\"minimum\":5,\"maximum\":4} | no text at all",
        "{\"type\":\"integer\",\"exclusiveMinimum\":4,\"exclusiveMaximum\":5} | no text at all",
        "{\"type\":\"number\",\"minimum\":\"1\"} | minimum that is no number",
        "{\"type\":\"number\",\"minimum\":1e400} | more than 40 digits",
        "{\"type\":\"number\",\"minimum\":true} | minimum that is no number",
        "{\"enum\":[]} | no text at all",
        "{\"type\":\"integer\",\"enum\":[\"a\",1.5]} | no text at all",
        "{\"type\":\"object\",\"properties\":{\"a\":false},\"required\":[\"a\"]} | no text at all",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]} | no"
            + " text at all",
        "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]} | branches 0 and 1",
        "{\"oneOf\":[{\"minLength\":2},{\"type\":\"null\"}]} | branches 0 and 1",
        "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}}},{\"type\":\"object\",\"properties\":{\"a\":{\"const\":2}}}]}"
            + " | branches 0 and 1",
        "{\"anyOf\":[]} | anyOf that is no list",
        "{\"$ref\":\"other.json\"} | copy the definition",
        "{\"$ref\":\"#/$defs/none\"} | names nothing",
        "{\"$ref\":3} | $ref that is no string",
        "{\"properties\":{\"a\":5}} | neither object nor boolean",
        "{\"properties\":[]} | properties that are no object",
        "{\"required\":\"a\"} | required that is no list",
        "{\"a\" | not valid JSON",
        "{} {} | one JSON value",
        "{\"type\":\"null\",\"type\":\"null\"} | Duplicate",
        "[] | neither object nor boolean",
        "`` | one JSON value",
        "false | no text at all",
        "{\"const\":\"\\ud800\"} | half of a surrogate pair"
      })
  void shouldRefuseSchemasByPlaceAndName(String schema, String expected) {
    GrammarRefusedException e =
        assertThrows(
            GrammarRefusedException.class,
            () -> GrammarCompiler.compile(new GrammarSpec.JsonSchema(schema, false), BYTES));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
    assertTrue(e.getMessage().endsWith(".") && e.getMessage().lines().count() == 1, e.getMessage());
  }

  @Test
  void shouldBoundWhatHostileGrammarsCost() {
    String deep = "[".repeat(5000);
    String nested =
        IntStream.range(0, 100).mapToObj(i -> "{\"a\":").collect(Collectors.joining())
            + "1"
            + "}".repeat(100);
    String wide =
        IntStream.range(0, 30_000).mapToObj(i -> "\"v" + i + "\"").collect(Collectors.joining(","));
    String doubling =
        IntStream.range(0, 60)
            .mapToObj(
                i ->
                    "\"d"
                        + i
                        + "\":{\"anyOf\":[{\"$ref\":\"#/$defs/d"
                        + (i + 1)
                        + "\"},{\"$ref\":\"#/$defs/d"
                        + (i + 1)
                        + "\"}]}")
            .collect(Collectors.joining(","));
    String product =
        IntStream.range(0, 30)
            .mapToObj(
                i -> "{\"anyOf\":[{\"minLength\":" + i + "},{\"maxLength\":" + (99 + i) + "}]}")
            .collect(Collectors.joining(","));
    String optional =
        IntStream.range(0, 3000)
            .mapToObj(i -> "\"property" + i + "\":{}")
            .collect(Collectors.joining(","));
    refuseSoon(new GrammarSpec.JsonSchema(" ".repeat(1 << 20), true), "characters");
    refuseSoon(new GrammarSpec.JsonSchema(deep, true), "nesting depth");
    refuseSoon(new GrammarSpec.JsonSchema("{\"enum\":[" + wide + "]}", true), "alternatives");
    refuseSoon(
        new GrammarSpec.JsonSchema(
            "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + doubling + ",\"d60\":{\"type\":\"null\"}}}",
            true),
        "alternatives");
    refuseSoon(
        new GrammarSpec.JsonSchema("{\"type\":\"string\",\"allOf\":[" + product + "]}", true),
        "alternatives");
    refuseSoon(
        new GrammarSpec.JsonSchema("{\"properties\":{" + optional + "}}", true),
        "the schema needs");
    refuseSoon(
        new GrammarSpec.JsonSchema("{\"type\":\"string\",\"maxLength\":2000000000}", true),
        "states");
    refuseSoon(
        new GrammarSpec.JsonSchema("{\"type\":\"array\",\"minItems\":900000}", true), "states");
    refuseSoon(new GrammarSpec.JsonSchema("{\"const\":" + nested + "}", true), null);
    refuseSoon(new GrammarSpec.Regex("(a|b)*a(a|b){60}"), "states");
    refuseSoon(new GrammarSpec.Regex("((a{900}){900}){900}"), "compile work");
    refuseSoon(new GrammarSpec.Regex("(".repeat(5000)), "deeper");
    refuseSoon(new GrammarSpec.Regex("a".repeat(1 << 20)), "characters");
    refuseSoon(new GrammarSpec.Choice(List.of("a".repeat(1 << 20))), "characters");
    refuseSoon(new GrammarSpec.Choice(List.of()), "no text at all");
  }

  /** Refused with a sentence that names the reason, or (reason null) compiled. */
  private static void refuseSoon(GrammarSpec spec, String reason) {
    String message =
        assertTimeoutPreemptively(
            Duration.ofSeconds(60),
            () -> {
              try {
                GrammarCompiler.compile(spec, BYTES);
                return null;
              } catch (GrammarRefusedException e) {
                return e.getMessage();
              }
            });
    if (reason == null) {
      assertEquals(null, message);
    } else {
      String shown = String.valueOf(message);
      assertTrue(shown.contains(reason) && shown.length() < 400, shown);
    }
  }

  @Test
  void shouldRefuseVocabulariesThatCannotSpellTheGrammar() {
    Vocabulary words =
        Vocabulary.of(
            new byte[][] {
              null, null, bytes("yes"), bytes("no"), bytes(" way"), bytes("7"), bytes("ye")
            },
            List.of(1));
    refuse(new GrammarSpec.JsonObject(), words, "cannot spell any text of a JSON object");
    refuse(new GrammarSpec.Choice(List.of("maybe")), words, "cannot spell any text of the list");
    CompiledGrammar choice =
        GrammarCompiler.compile(new GrammarSpec.Choice(List.of("yes", "no way", "maybe")), words);
    assertEquals(0b0001100L, choice.allowed(choice.newCursor())[0], "ye leads nowhere");
    GrammarCursor cursor = choice.newCursor();
    cursor.append(3);
    assertEquals(0b0010000L, choice.allowed(cursor)[0]);
  }

  @Test
  void shouldNotBeginACharacterThatTheVocabularyCannotEnd() {
    // Printable ASCII by bytes, one accented letter as a whole, and the first half of others.
    byte[][] tokens = new byte[100][];
    for (int b = ' '; b < 127; b++) {
      tokens[b - ' ' + 2] = new byte[] {(byte) b};
    }
    tokens[97] = bytes("é");
    tokens[98] = new byte[] {(byte) 0xC3};
    Vocabulary ascii = Vocabulary.of(tokens, List.of(1));
    CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.JsonObject(), ascii);
    GrammarCursor cursor = grammar.newCursor();
    cursor.append('{' - ' ' + 2);
    cursor.append('"' - ' ' + 2);
    long high = grammar.allowed(cursor)[1];
    assertTrue((high & 1L << 97) != 0, "the whole letter");
    assertEquals(0, high & 1L << 98, "half a letter");
  }

  @Test
  void shouldRefuseEndTokensThatAreMissingOrOutside() {
    assertThrows(
        GrammarRefusedException.class, () -> Vocabulary.of(new byte[][] {bytes("a")}, List.of()));
    assertThrows(
        GrammarRefusedException.class, () -> Vocabulary.of(new byte[][] {bytes("a")}, List.of(4)));
  }

  private static void refuse(GrammarSpec spec, Vocabulary vocabulary, String expected) {
    GrammarRefusedException e =
        assertThrows(
            GrammarRefusedException.class, () -> GrammarCompiler.compile(spec, vocabulary));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
