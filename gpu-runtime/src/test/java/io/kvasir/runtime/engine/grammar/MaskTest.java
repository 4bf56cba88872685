package io.kvasir.runtime.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.engine.LogitAdjuster;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A mask is what trying each token by itself would give, on any path, however it came there. */
class MaskTest {
  private static final Vocabulary SMALL = Vocabularies.bytesAndMerges(700, 21);

  @Test
  void shouldAllowExactlyTheTokensThatReadingThemOneByOneAllows() {
    Random random = new Random(3);
    for (int seed = 40_000; seed < 40_060; seed++) {
      String schema = RandomSchemas.of(seed).schema().toString();
      compareOnAWalk(new GrammarSpec.JsonSchema(schema, seed % 2 == 0), random, 60);
    }
    compareOnAWalk(new GrammarSpec.JsonObject(), random, 300);
    compareOnAWalk(new GrammarSpec.Regex("(a|b|é)*x[^q-t]{0,3}|日?本+"), random, 60);
  }

  private static void compareOnAWalk(GrammarSpec spec, Random random, int tokens) {
    CompiledGrammar grammar = GrammarCompiler.compile(spec, SMALL);
    GrammarCursor cursor = grammar.newCursor();
    for (int n = 0; n < tokens; n++) {
      long[] allowed = grammar.allowed(cursor);
      assertArrayEquals(oneByOne(grammar, cursor), allowed, () -> spec.toString());
      int token = pick(allowed, random);
      if (token == Vocabularies.END) {
        return;
      }
      cursor.append(token);
    }
  }

  private static long[] oneByOne(CompiledGrammar grammar, GrammarCursor cursor) {
    long[] out = new long[SMALL.size() + 63 >> 6];
    int length = cursor.length();
    boolean end = cursor.endAllowed();
    for (int id = 0; id < SMALL.size(); id++) {
      cursor.append(id);
      boolean alive = cursor.from() < cursor.end();
      cursor.truncate(length);
      if (alive || (end && id == Vocabularies.END)) {
        out[id >> 6] |= 1L << id;
      }
    }
    return out;
  }

  private static int pick(long[] allowed, Random random) {
    int chosen = -1;
    int count = 0;
    for (int id = 0; id < 64 * allowed.length; id++) {
      if ((allowed[id >> 6] & 1L << id) != 0 && random.nextInt(++count) == 0) {
        chosen = id;
      }
    }
    return chosen;
  }

  @Test
  void shouldNestToTheBoundAndComeBackFromThere() {
    CompiledGrammar grammar =
        GrammarCompiler.compile(new GrammarSpec.JsonObject(GrammarSpec.Whitespace.NONE), SMALL);
    GrammarCursor cursor = grammar.newCursor();
    int depth = 0;
    String open = "{\"a\":[";
    while (true) {
      int length = cursor.length();
      for (byte b : open.getBytes(StandardCharsets.UTF_8)) {
        assertArrayEquals(oneByOne(grammar, cursor), grammar.allowed(cursor));
        cursor.append(single(b));
      }
      if (cursor.from() == cursor.end()) {
        cursor.truncate(length);
        break;
      }
      depth++;
    }
    assertEquals(GrammarLimits.MAX_DEPTH / 2, depth, "an object and a list take one call each");
    for (byte b : ("0" + "]}".repeat(depth)).getBytes(StandardCharsets.UTF_8)) {
      assertArrayEquals(oneByOne(grammar, cursor), grammar.allowed(cursor));
      cursor.append(single(b));
    }
    assertTrue(cursor.isComplete() && !cursor.goesOn(), "all that was opened is closed");
  }

  private static int single(byte b) {
    for (int id = 0; id < SMALL.size(); id++) {
      if (SMALL.byteCount(id) == 1 && (byte) SMALL.unsignedByte(id, 0) == b) {
        return id;
      }
    }
    throw new AssertionError("no token for byte " + b);
  }

  @Test
  void shouldGiveTheSameMaskOnAnyBranchAndAfterAnyInterruption() {
    GrammarSpec spec = new GrammarSpec.JsonSchema(RandomSchemas.of(77).schema().toString(), true);
    CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.JsonObject(), SMALL);
    CompiledGrammar again = GrammarCompiler.compile(spec, SMALL);
    for (CompiledGrammar g : List.of(grammar, again)) {
      Random random = new Random(9);
      int[][] branches = new int[12][];
      for (int i = 0; i < branches.length; i++) {
        branches[i] = walk(g, random, i < 6 ? null : branches[i - 6], 40);
      }
      LogitAdjuster shared = g.newMask();
      for (int i = 0; i < 400; i++) {
        int[] branch = branches[random.nextInt(branches.length)];
        int length = random.nextInt(branch.length + 1);
        assertArrayEquals(
            row(g.newMask(), branch, length), row(shared, branch, length), "branch of " + length);
      }
    }
  }

  /** A random answer that starts like another one. */
  private static int[] walk(CompiledGrammar grammar, Random random, int[] like, int tokens) {
    GrammarCursor cursor = grammar.newCursor();
    int shared = like == null ? 0 : like.length / 2;
    while (cursor.length() < tokens) {
      int next =
          cursor.length() < shared ? like[cursor.length()] : pick(grammar.allowed(cursor), random);
      if (next == Vocabularies.END) {
        break;
      }
      cursor.append(next);
    }
    int[] out = new int[cursor.length()];
    Arrays.setAll(out, cursor::token);
    return out;
  }

  private static float[] row(LogitAdjuster mask, int[] answer, int count) {
    float[] logits = new float[SMALL.size()];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = i;
    }
    mask.adjust(logits, 0, SMALL.size(), new Answers.Path(answer, count));
    return logits;
  }

  @Test
  void shouldAllowOnlyTheEndBehindTheEndAndOffTheGrammar() {
    CompiledGrammar grammar =
        GrammarCompiler.compile(new GrammarSpec.Choice(List.of("no", "nope")), SMALL);
    int n = single((byte) 'n');
    int o = single((byte) 'o');
    assertEquals(List.of(n), allowedOf(grammar));
    assertTrue(allowedOf(grammar, n, o).contains(Vocabularies.END), "complete, but may go on");
    assertTrue(allowedOf(grammar, n, o).contains(single((byte) 'p')));
    int[] all = {n, o, single((byte) 'p'), single((byte) 'e')};
    assertEquals(List.of(Vocabularies.END), allowedOf(grammar, all));
    int[] ended = Arrays.copyOf(all, 5);
    ended[4] = Vocabularies.END;
    assertEquals(List.of(Vocabularies.END), allowedOf(grammar, ended));
    assertEquals(List.of(Vocabularies.END), allowedOf(grammar, o));
  }

  private static List<Integer> allowedOf(CompiledGrammar grammar, int... answer) {
    float[] row = row(grammar.newMask(), answer, answer.length);
    return java.util.stream.IntStream.range(0, row.length)
        .filter(i -> row[i] > Float.NEGATIVE_INFINITY)
        .boxed()
        .toList();
  }

  @Test
  void shouldLetAnAnswerEndThatMinTokensWouldHaveGoOn() {
    CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.Choice(List.of("n")), SMALL);
    float[] logits = new float[SMALL.size()];
    logits[Vocabularies.END] = Float.NEGATIVE_INFINITY;
    int[] answer = {single((byte) 'n')};
    grammar.newMask().adjust(logits, 0, SMALL.size(), new Answers.Path(answer, 1));
    assertEquals(0, logits[Vocabularies.END]);
  }

  @Test
  void shouldMaskRowsThatAreLongerOrShorterThanTheVocabulary() {
    CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.Regex("[^a]*"), SMALL);
    for (int size : new int[] {300, 640, SMALL.size(), 777, 1000}) {
      float[] logits = new float[size + 3];
      grammar.newMask().adjust(logits, 3, size, new Answers.Path(new int[0], 0));
      long[] allowed = grammar.allowed(grammar.newCursor());
      for (int id = 0; id < size; id++) {
        boolean bit = id < SMALL.size() && (allowed[id >> 6] & 1L << id) != 0;
        assertEquals(bit, logits[3 + id] == 0, "id " + id + " of " + size);
      }
      assertEquals(0, logits[0], "what lies before the row is left alone");
    }
  }
}
