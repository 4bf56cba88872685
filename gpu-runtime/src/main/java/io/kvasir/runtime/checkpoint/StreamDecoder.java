package io.kvasir.runtime.checkpoint;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Text of a growing list of ids, piece by piece. A piece never ends inside a UTF-8 character: the
 * bytes of an unfinished one wait for the next id, and become U+FFFD only at {@link #finish()} or
 * when they turn out to be no character. The pieces together are the text that the ids add to the
 * prompt before them, so a space between prompt and answer is kept. One stream, one thread.
 */
public final class StreamDecoder {
  /** Ids whose text serves as the left neighbour where tokens do not simply join. */
  private static final int CONTEXT_COUNT = 6;

  private static final char REPLACEMENT = '\uFFFD';

  private final TextTokenizer tokenizer;
  private final boolean skipSpecial;
  private final CharsetDecoder utf8 =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private ByteBuffer bytes = ByteBuffer.allocate(64);
  private CharBuffer chars = CharBuffer.allocate(64);
  private int leadingSpaces;

  /** Window of the last ids: {@code [0, shownCount)} are in the text already. */
  private int[] window = new int[2 * CONTEXT_COUNT];

  private int windowCount;
  private int shownCount;

  /** A stream that starts a text. */
  public StreamDecoder(TextTokenizer tokenizer, boolean skipSpecialTokens) {
    this(tokenizer, skipSpecialTokens, new int[0]);
  }

  /**
   * A stream that continues after a prompt. After a control token a text starts anew.
   *
   * @param promptIds all or the last ids of the prompt; not kept
   */
  public StreamDecoder(TextTokenizer tokenizer, boolean skipSpecialTokens, int[] promptIds) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecialTokens;
    int from = promptIds.length;
    while (from > 0
        && promptIds.length - from < CONTEXT_COUNT
        && !tokenizer.isSpecial(promptIds[from - 1])) {
      from--;
    }
    this.leadingSpaces = from == promptIds.length ? tokenizer.leadingSpaceCount() : 0;
    for (int i = from; i < promptIds.length; i++) {
      push(promptIds[i]);
    }
    this.shownCount = windowCount;
  }

  /** The text that one more id completes; empty while a character is unfinished. */
  public String next(int id) {
    if (skipSpecial && tokenizer.isSpecial(id)) {
      return "";
    }
    return tokenizer.joinsBytes() ? nextBytes(tokenizer.bytesOf(id)) : nextInWindow(id);
  }

  /** What is left at the end; an unfinished character becomes U+FFFD. The stream is then over. */
  public String finish() {
    if (!tokenizer.joinsBytes()) {
      return shownCount < windowCount ? showWindow() : "";
    }
    bytes.flip();
    chars.clear();
    utf8.decode(bytes, chars, true);
    utf8.flush(chars);
    bytes.clear();
    chars.flip();
    return chars.toString();
  }

  private String nextBytes(byte[] added) {
    if (bytes.remaining() < added.length) {
      bytes = ByteBuffer.allocate(2 * (bytes.position() + added.length)).put(bytes.flip());
    }
    bytes.put(added).flip();
    if (chars.capacity() < bytes.remaining()) {
      chars = CharBuffer.allocate(2 * bytes.remaining());
    }
    chars.clear();
    utf8.decode(bytes, chars, false);
    bytes.compact();
    chars.flip();
    while (leadingSpaces > 0 && chars.hasRemaining()) {
      if (chars.charAt(0) == ' ') {
        chars.get();
        leadingSpaces--;
      } else {
        leadingSpaces = 0;
      }
    }
    return chars.toString();
  }

  private String nextInWindow(int id) {
    push(id);
    String text = tokenizer.decode(Arrays.copyOf(window, windowCount), skipSpecial);
    boolean unfinished = !text.isEmpty() && text.charAt(text.length() - 1) == REPLACEMENT;
    return unfinished && windowCount - shownCount < CONTEXT_COUNT ? "" : showWindow();
  }

  private String showWindow() {
    String before = tokenizer.decode(Arrays.copyOf(window, shownCount), skipSpecial);
    String all = tokenizer.decode(Arrays.copyOf(window, windowCount), skipSpecial);
    int drop = Math.max(0, windowCount - CONTEXT_COUNT);
    // Only whole shown tokens leave the window, so the next difference has a neighbour to its left.
    System.arraycopy(window, drop, window, 0, windowCount - drop);
    windowCount -= drop;
    shownCount = windowCount;
    return all.substring(Math.min(before.length(), all.length()));
  }

  private void push(int id) {
    if (windowCount == window.length) {
      window = Arrays.copyOf(window, 2 * windowCount);
    }
    window[windowCount++] = id;
  }
}
