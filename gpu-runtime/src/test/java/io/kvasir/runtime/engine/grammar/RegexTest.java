package io.kvasir.runtime.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Regular expressions against java.util.regex, and what is refused where. */
class RegexTest {
  private static final Vocabulary BYTES = Vocabularies.bytesAndMerges(400, 8);
  private static final String[] ATOMS = {
    "a",
    "b",
    "ab",
    ".",
    "\\d",
    "\\w",
    "[a-c]",
    "[^a]",
    "[^\\d b]",
    "é",
    "日",
    "[é-ü]",
    "[\\u00e9日👍]",
    "👍",
    "\\.",
    "\\n",
    "\\x41",
    "[\\]\\-x]",
    "[+*]",
    "\\W",
    "\\D",
    " ",
    "(?:a|bc)",
    "(b|)"
  };
  private static final String[] TEXT = {
    "a", "b", "c", "d", "1", "7", " ", "é", "ü", "日", "👍", ".", "A", "\n", "-", "]", "+", "_"
  };

  @Test
  void shouldMatchWhatJavaMatchesAndDrawWhatJavaMatches() {
    Random random = new Random(17);
    int matches = 0;
    int draws = 0;
    for (int i = 0; i < 400; i++) {
      String regex = regex(random, 3);
      Pattern java = Pattern.compile(regex);
      CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.Regex(regex), BYTES);
      for (int t = 0; t < 60; t++) {
        String text = text(random);
        boolean expected = java.matcher(text).matches();
        assertEquals(expected, grammar.accepts(text), () -> regex + " on " + text);
        matches += expected ? 1 : 0;
      }
      // Random tokens need not find the end of ".*ab"; those that do must match.
      String drawn = Answers.draw(grammar, random, 60);
      assertTrue(drawn == null || java.matcher(drawn).matches(), () -> regex + " drew " + drawn);
      draws += drawn == null ? 0 : 1;
    }
    assertTrue(draws > 200, "too few draws ended: " + draws);
    assertTrue(matches > 500, "too few matches to mean something: " + matches);
  }

  private static String regex(Random random, int depth) {
    StringBuilder out = new StringBuilder();
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      String part =
          depth > 0 && random.nextInt(3) == 0
              ? "(" + regex(random, depth - 1) + ")"
              : ATOMS[random.nextInt(ATOMS.length)];
      if (part.equals("ab")) {
        part = "(?:ab)";
      }
      String[] counts = {"", "", "", "?", "*", "+", "{2}", "{0,2}", "{1,}", "*?", "+?"};
      out.append(part).append(counts[random.nextInt(counts.length)]);
    }
    if (depth > 0 && random.nextInt(3) == 0) {
      out.append('|').append(regex(random, depth - 1));
    }
    return out.toString();
  }

  private static String text(Random random) {
    StringBuilder out = new StringBuilder();
    for (int i = random.nextInt(7); i > 0; i--) {
      out.append(TEXT[random.nextInt(TEXT.length)]);
    }
    return out.toString();
  }

  @Test
  void shouldFindPatternsOfSchemasAnywhereUnlessAnchored() {
    for (String pattern :
        new String[] {"b", "^b", "b$", "^b$", "^a|b$", "", "^$", "(a|b){2}", "^\\S+$"}) {
      Pattern java = Pattern.compile(pattern);
      CompiledGrammar grammar =
          GrammarCompiler.compile(
              new GrammarSpec.JsonSchema(
                  "{\"type\":\"string\",\"pattern\":\"" + pattern.replace("\\", "\\\\") + "\"}",
                  true),
              BYTES);
      for (String text : new String[] {"", "a", "b", "ab", "ba", "bb", "cbc", "a b", "aé"}) {
        assertEquals(
            java.matcher(text).find(),
            grammar.accepts("\"" + text + "\""),
            pattern + " on " + text);
      }
    }
  }

  @Test
  void shouldAllowOnlyWholeCharactersWhereverTokensSplitThem() {
    CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.Regex("[é👍]{2}"), BYTES);
    GrammarCursor cursor = grammar.newCursor();
    assertTrue(grammar.accepts("é👍"));
    assertFalse(grammar.accepts("éè"));
    cursor.appendByte(0xC3);
    assertFalse(cursor.endAllowed());
    long[] allowed = grammar.allowed(cursor);
    for (int id = 2; id < BYTES.size(); id++) {
      boolean fits = BYTES.unsignedByte(id, 0) == 0xA9 && BYTES.byteCount(id) == 1;
      assertEquals(fits, (allowed[id >> 6] & 1L << id) != 0, "token " + id);
    }
    cursor.appendByte(0xA8);
    assertTrue(cursor.from() == cursor.end(), "C3 A8 is another character");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      quoteCharacter = '`',
      value = {
        "a(?=b) 1",
        "(?!a) 0",
        "(?<=a)b 0",
        "(?>a) 0",
        "(?i)a 0",
        "(a)\\1 3",
        "a\\b 1",
        "\\p{L} 0",
        "a*+ 2",
        "a**" + " 2",
        "(a 0",
        "a) 1",
        "[a 0",
        "*a 0",
        "a{2 1",
        "a{3,2} 1",
        "a{ 2",
        "[b-a] 2",
        "a^b 1",
        "a$b 1",
        "\\u12 0",
        "[a[b]] 2",
        "[a&&b] 2",
        "\\ 1",
        "a{200000} 2",
        "\\Aa 0",
        "x\\Qa 1"
      })
  void shouldRefuseWhatIsNotRegularOrNotClearWithItsPosition(String regex, int position) {
    GrammarRefusedException e =
        assertThrows(
            GrammarRefusedException.class,
            () -> GrammarCompiler.compile(new GrammarSpec.Regex(regex), BYTES));
    assertTrue(e.getMessage().contains("(at character " + position + ")"), e.getMessage());
    assertTrue(e.getMessage().endsWith("."), e.getMessage());
  }
}
