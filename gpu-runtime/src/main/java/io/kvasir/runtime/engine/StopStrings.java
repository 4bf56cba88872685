package io.kvasir.runtime.engine;

import java.util.List;
import java.util.function.IntFunction;

/**
 * Watches decoded text for stop strings, piece by piece. One per choice; engine thread.
 *
 * <p>Only text that token number min_tokens or a later one completes counts, and a stop string must
 * lie wholly in it: text of earlier tokens is forgotten, so that it can neither end the answer when
 * the minimum is reached nor begin a match. Keeps just enough tail to see a match that crosses
 * pieces.
 */
final class StopStrings {
  private final List<String> stops;
  private final int minTokens;
  private final int longest;
  private final IntFunction<String> decoder;
  private final StringBuilder tail = new StringBuilder();
  private int tokenCount;

  /**
   * @param decoder turns the next token of this choice into the text it completes; stateful
   */
  StopStrings(List<String> stops, int minTokens, IntFunction<String> decoder) {
    this.stops = stops;
    this.minTokens = minTokens;
    this.decoder = decoder;
    this.longest = stops.stream().mapToInt(String::length).max().orElse(0);
  }

  /** True once the text that counts, up to and including this token's, holds a stop string. */
  boolean matches(int token) {
    String piece = decoder.apply(token);
    if (++tokenCount < minTokens || piece.isEmpty()) {
      return false;
    }
    tail.append(piece);
    for (String stop : stops) {
      if (tail.indexOf(stop) >= 0) {
        tail.setLength(0);
        return true;
      }
    }
    if (tail.length() >= longest) {
      tail.delete(0, tail.length() - longest + 1);
    }
    return false;
  }
}
