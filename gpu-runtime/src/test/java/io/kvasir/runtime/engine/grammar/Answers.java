package io.kvasir.runtime.engine.grammar;

import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.TokenPath;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** Answers drawn at random, or spelled at random, through a compiled grammar. */
final class Answers {
  private static final int FREE_TOKENS = 120;
  static final int MAX_TOKENS = 6000;
  private static final int[] PROMPT = {0, 5, 17};

  private Answers() {}

  /** A prompt and an answer, as the engine shows them to an adjuster. */
  record Path(int[] answer, int count) implements TokenPath {
    @Override
    public int length() {
      return PROMPT.length + count;
    }

    @Override
    public int promptLength() {
      return PROMPT.length;
    }

    @Override
    public int token(int index) {
      return index < PROMPT.length ? PROMPT[index] : answer[index - PROMPT.length];
    }
  }

  /**
   * Text of one random answer: each token drawn evenly from what the mask leaves. Past {@link
   * #FREE_TOKENS} tokens those that close something are preferred, so that JSON ends. Null if the
   * answer has not ended after {@code maxTokens}.
   */
  static String draw(CompiledGrammar grammar, Random random, int maxTokens) {
    int size = grammar.vocabulary().size();
    LogitAdjuster mask = grammar.newMask();
    int[] answer = new int[maxTokens];
    float[] logits = new float[size + 1];
    for (int n = 0; n < maxTokens; n++) {
      Arrays.fill(logits, 0);
      mask.adjust(logits, 1, size, new Path(answer, n));
      int chosen = choose(grammar.vocabulary(), logits, random, n > FREE_TOKENS);
      if (chosen < 0) {
        throw new AssertionError("nothing is allowed after " + text(grammar, answer, n));
      }
      if (chosen == Vocabularies.END) {
        return text(grammar, answer, n);
      }
      answer[n] = chosen;
    }
    return null;
  }

  private static int choose(Vocabulary vocabulary, float[] logits, Random random, boolean close) {
    long count = 0;
    int chosen = -1;
    for (int id = 0; id < vocabulary.size(); id++) {
      if (logits[1 + id] == 0) {
        long weight = id != Vocabularies.END ? 1 : close ? 1L << 32 : 8;
        if (vocabulary.byteCount(id) > 0) {
          int first = vocabulary.unsignedByte(id, 0);
          boolean closes = first == '"' || first == '}' || first == ']';
          weight = closes ? (close ? 100_000 : 6) : 1;
          weight = vocabulary.byteCount(id) == 1 ? 20 * weight : weight;
        }
        count += weight;
        if (random.nextLong(count) < weight) {
          chosen = id;
        }
      }
    }
    return chosen;
  }

  private static String text(CompiledGrammar grammar, int[] answer, int count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < count; i++) {
      out.writeBytes(Vocabularies.bytes(grammar.vocabulary(), answer[i]));
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  /**
   * Spells a text with random tokens that fit and checks that the grammar allows each, and the end
   * behind them. Null if so, else what was refused.
   */
  static String refusal(CompiledGrammar grammar, String text, Random random) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Vocabulary vocabulary = grammar.vocabulary();
    GrammarCursor cursor = grammar.newCursor();
    for (int at = 0; at < bytes.length; ) {
      int token = fitting(vocabulary, bytes, at, random);
      long[] allowed = grammar.allowed(cursor);
      if ((allowed[token >> 6] & 1L << token) == 0) {
        return "\""
            + new String(Vocabularies.bytes(vocabulary, token), StandardCharsets.UTF_8)
            + "\" at "
            + at
            + " of "
            + text;
      }
      cursor.append(token);
      at += vocabulary.byteCount(token);
    }
    return cursor.isComplete() && cursor.endAllowed() ? null : "the end of " + text;
  }

  private static int fitting(Vocabulary vocabulary, byte[] text, int at, Random random) {
    TokenTrie trie = vocabulary.trie();
    int chosen = -1;
    int count = 0;
    int depth = 0;
    for (int i = 1; i < trie.nodeCount && at + depth < text.length; ) {
      if (trie.depth[i] <= depth) {
        break;
      }
      if (trie.label[i] != text[at + depth]) {
        i = trie.skip[i];
        continue;
      }
      depth++;
      for (int t = trie.from[i]; t < trie.from[i + 1]; t++) {
        if (random.nextInt(++count) == 0) {
          chosen = trie.tokens[t];
        }
      }
      i++;
    }
    return chosen;
  }
}
