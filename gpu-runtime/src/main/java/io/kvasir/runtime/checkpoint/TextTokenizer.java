package io.kvasir.runtime.checkpoint;

import java.util.Optional;

/**
 * Text to token ids and back. Thread-safe and immutable. {@link StreamDecoder} turns a growing list
 * of ids into text piece by piece.
 */
public interface TextTokenizer extends AutoCloseable {

  /** One more than the largest id. */
  int idCount();

  /**
   * Ids of a text. Written control tokens in the text become their ids, as in the published
   * tokenizers.
   *
   * @param addSpecialTokens whether the begin and end tokens that the tokenizer prescribes are
   *     added; false for text from a chat template, which writes them itself
   */
  int[] encode(String text, boolean addSpecialTokens);

  /** Text of ids as one whole, from the start of a text; unknown ids count for nothing. */
  String decode(int[] ids, boolean skipSpecialTokens);

  /** The id of a token as it is written in the vocabulary. */
  Optional<Integer> tokenToId(String token);

  /** The token as it is written in the vocabulary (not its text); empty for unused ids. */
  Optional<String> idToToken(int id);

  /** True for control tokens, which are left out when special tokens are skipped. */
  boolean isSpecial(int id);

  /**
   * True when the text of a list of tokens is the UTF-8 text of their bytes put together, but for
   * {@link #leadingSpaceCount()}; otherwise the text of a token depends on its neighbours.
   */
  boolean joinsBytes();

  /**
   * The bytes of a token inside a text, possibly a part of a UTF-8 character; none for unused ids.
   * Only where {@link #joinsBytes()}.
   */
  byte[] bytesOf(int id);

  /** Spaces that decoding removes from the start of a text. */
  int leadingSpaceCount();

  /** Frees native memory; idempotent. */
  @Override
  void close();
}
