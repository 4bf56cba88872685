package io.kvasir.runtime.engine.grammar;

import io.kvasir.runtime.checkpoint.TextTokenizer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.TreeSet;

/**
 * The tokens of a model as a grammar sees them: the bytes each adds to an answer, and which ids end
 * one. Built once a model (a trie over all tokens, about 20 bytes a token), shared by all grammars.
 * Immutable and thread-safe.
 */
public final class Vocabulary {
  /** Longer tokens spell nothing that a grammar would ask for. */
  private static final int MAX_TOKEN_BYTES = 1024;

  private final int size;
  private final byte[] pool;
  private final int[] offsets;
  private final int[] endIds;
  private final BitSet ends = new BitSet();
  private final TokenTrie trie;
  private final BitSet singleBytes = new BitSet(256);

  private Vocabulary(byte[][] tokens, Collection<Integer> endIds) {
    this.size = tokens.length;
    if (endIds.isEmpty()) {
      throw new GrammarRefusedException(
          "the model names no end token, so a guided answer could not end: give eos_token_id in its"
              + " config.json.");
    }
    for (int id : endIds) {
      if (id < 0 || id >= size) {
        throw new GrammarRefusedException(
            "end token " + id + " is outside the vocabulary of " + size + " ids: correct it.");
      }
      ends.set(id);
    }
    this.endIds = new TreeSet<>(endIds).stream().mapToInt(Integer::intValue).toArray();
    this.offsets = new int[size + 1];
    int total = 0;
    int[] ids = new int[size];
    int count = 0;
    for (int id = 0; id < size; id++) {
      offsets[id] = total;
      int length = tokens[id] == null || ends.get(id) ? 0 : tokens[id].length;
      if (length > 0 && length <= MAX_TOKEN_BYTES) {
        total = Math.addExact(total, length);
        ids[count++] = id;
      }
    }
    offsets[size] = total;
    pool = new byte[total];
    for (int i = 0; i < count; i++) {
      byte[] token = tokens[ids[i]];
      System.arraycopy(token, 0, pool, offsets[ids[i]], token.length);
      if (token.length == 1) {
        singleBytes.set(token[0] & 0xFF);
      }
    }
    trie = new TokenTrie(tokens, Arrays.copyOf(ids, count));
  }

  /**
   * @param tokens bytes of each id; null or empty for ids that are no text, such as control tokens
   * @param endIds ids that end an answer, at least one
   */
  public static Vocabulary of(byte[][] tokens, Collection<Integer> endIds) {
    return new Vocabulary(tokens.clone(), endIds);
  }

  /**
   * The vocabulary of a tokenizer.
   *
   * @param vocabSize length of a row of logits; ids that the tokenizer does not know are never used
   * @throws GrammarRefusedException if the text of a token depends on its neighbours
   */
  public static Vocabulary of(TextTokenizer tokenizer, int vocabSize, Collection<Integer> endIds) {
    if (!tokenizer.joinsBytes()) {
      throw new GrammarRefusedException(
          "the tokenizer of this model puts blanks between its words by rules of its own, so no"
              + " guided answer can be spelled with it: use a model with a byte-level or"
              + " byte-fallback tokenizer.");
    }
    byte[][] tokens = new byte[vocabSize][];
    for (int id = 0; id < Math.min(vocabSize, tokenizer.idCount()); id++) {
      tokens[id] = tokenizer.isSpecial(id) ? null : tokenizer.bytesOf(id);
    }
    return new Vocabulary(tokens, endIds);
  }

  /** Ids, with or without text. */
  public int size() {
    return size;
  }

  /** Memory held, in bytes. */
  public long lengthBytes() {
    return pool.length + 4L * offsets.length + trie.bytes();
  }

  boolean isEnd(int id) {
    return ends.get(id);
  }

  int[] endIds() {
    return endIds;
  }

  TokenTrie trie() {
    return trie;
  }

  /** Byte values that are a token by themselves. */
  BitSet singleBytes() {
    return singleBytes;
  }

  int byteCount(int id) {
    return id < 0 || id >= size ? 0 : offsets[id + 1] - offsets[id];
  }

  int unsignedByte(int id, int index) {
    return pool[offsets[id] + index] & 0xFF;
  }
}
