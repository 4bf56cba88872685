package io.kvasir.runtime.checkpoint;

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
  private final Utf8Assembler utf8 = new Utf8Assembler();
  private final StringBuilder text = new StringBuilder();
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
    if (!tokenizer.joinsBytes()) {
      return nextInWindow(id);
    }
    utf8.append(tokenizer.bytesOf(id), text);
    return take();
  }

  /** What is left at the end; an unfinished character becomes U+FFFD. The stream is then over. */
  public String finish() {
    if (!tokenizer.joinsBytes()) {
      return shownCount < windowCount ? showWindow() : "";
    }
    utf8.finish(text);
    return take();
  }

  private String take() {
    int drop = 0;
    while (leadingSpaces > 0 && drop < text.length()) {
      boolean space = text.charAt(drop) == ' ';
      leadingSpaces = space ? leadingSpaces - 1 : 0;
      drop += space ? 1 : 0;
    }
    String piece = text.substring(drop);
    text.setLength(0);
    return piece;
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
