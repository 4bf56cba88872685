package io.kvasir.runtime.engine.grammar;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Turns edges over code points into edges over the bytes that spell them: plain UTF-8, or the one
 * canonical spelling inside a JSON string (short escapes where JSON has them, a hex escape for the
 * other control characters, everything else as it is). One rule's builder.
 */
final class TextEncoder {
  private static final String SHORT_ESCAPED = "\"\\\b\t\n\f\r";
  private static final String SHORT_LETTER = "\"\\btnfr";
  private static final int[] LENGTH_ENDS = {0x7F, 0x7FF, 0xFFFF, CodePoints.LAST};

  private final Nfa nfa;
  private final boolean json;

  /** States before the last bytes of a character, so that characters share their tails. */
  private final Map<Long, Integer> tails = new HashMap<>();

  TextEncoder(Nfa nfa, boolean json) {
    this.nfa = nfa;
    this.json = json;
  }

  /** The spelling of a whole text between two states. */
  void text(RangeDfa text, int from, int to) {
    int[] stateOf = new int[text.stateCount()];
    Arrays.setAll(stateOf, i -> nfa.state());
    nfa.epsilon(from, stateOf[0]);
    for (int q = 0; q < stateOf.length; q++) {
      int[] ranges = text.ranges(q);
      for (int i = 0; i < ranges.length; i += 3) {
        range(stateOf[q], ranges[i], ranges[i + 1], stateOf[ranges[i + 2]]);
      }
      if (text.accepts(q)) {
        nfa.epsilon(stateOf[q], to);
      }
    }
  }

  /** The spellings of the code points {@code lo} to {@code hi}. */
  void range(int from, int lo, int hi, int to) {
    if (!json) {
      utf8(from, lo, hi, to);
      return;
    }
    for (int c = lo; c <= Math.min(hi, 0x1F); c++) {
      nfa.epsilon(nfa.ascii(from, escape(c)), to);
    }
    int start = Math.max(lo, 0x20);
    for (int special : new int[] {'"', '\\'}) {
      if (special >= start && special <= hi) {
        utf8(from, start, special - 1, to);
        nfa.epsilon(nfa.ascii(from, escape(special)), to);
        start = special + 1;
      }
    }
    utf8(from, start, hi, to);
  }

  private static String escape(int c) {
    int known = SHORT_ESCAPED.indexOf(c);
    return known >= 0 ? "\\" + SHORT_LETTER.charAt(known) : String.format("\\u%04x", c);
  }

  /** A JSON string in its canonical spelling, quotes included. */
  static byte[] quoted(String text) {
    checkSurrogates(text);
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x20 || SHORT_ESCAPED.indexOf(c) >= 0) {
        out.append(escape(c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Refuses text that UTF-8 cannot carry. */
  static void checkSurrogates(String text) {
    if (text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF)) {
      throw new GrammarRefusedException(
          "the text "
              + GrammarRefusedException.quote(text)
              + " holds half of a surrogate pair, which has no UTF-8: complete or remove it.");
    }
  }

  private void utf8(int from, int lo, int hi, int to) {
    int start = lo;
    for (int n = 1; n <= 4 && start <= hi; n++) {
      int end = Math.min(hi, LENGTH_ENDS[n - 1]);
      if (start <= end) {
        split(from, start, end, n, to);
        start = end + 1;
      }
    }
  }

  /** Cuts a range until each byte of it runs on its own. */
  private void split(int from, int lo, int hi, int length, int to) {
    for (int i = 1; i < length; i++) {
      int mask = (1 << 6 * i) - 1;
      if ((lo & ~mask) != (hi & ~mask)) {
        if ((lo & mask) != 0) {
          split(from, lo, lo | mask, length, to);
          split(from, (lo | mask) + 1, hi, length, to);
          return;
        }
        if ((hi & mask) != mask) {
          split(from, lo, (hi & ~mask) - 1, length, to);
          split(from, hi & ~mask, hi, length, to);
          return;
        }
      }
    }
    int at = to;
    for (int i = length - 1; i > 0; i--) {
      int shift = 6 * (length - 1 - i);
      at = tail(0x80 | lo >> shift & 0x3F, 0x80 | hi >> shift & 0x3F, at);
    }
    int shift = 6 * (length - 1);
    int lead = length == 1 ? 0 : 0xF00 >> length & 0xFF;
    nfa.range(from, lead | lo >> shift, lead | hi >> shift, at);
  }

  private int tail(int lo, int hi, int to) {
    return tails.computeIfAbsent(
        (long) to << 16 | lo << 8 | hi,
        key -> {
          int state = nfa.state();
          nfa.range(state, lo, hi, to);
          return state;
        });
  }
}
