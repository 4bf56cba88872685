package io.kvasir.runtime.engine;

import java.util.List;
import java.util.function.IntFunction;

/**
 * Watches decoded text for stop strings, piece by piece. One per request; engine thread.
 *
 * <p>Keeps just enough tail to see a match that crosses pieces.
 */
final class StopStrings {
  private final List<String> stops;
  private final int longest;
  private final IntFunction<String> decoder;
  private final StringBuilder tail = new StringBuilder();

  /**
   * @param decoder turns the next token of this request into the text it completes; stateful
   */
  StopStrings(List<String> stops, IntFunction<String> decoder) {
    this.stops = stops;
    this.decoder = decoder;
    this.longest = stops.stream().mapToInt(String::length).max().orElse(0);
  }

  /** True once the text up to and including this token holds a stop string. */
  boolean matches(int token) {
    String piece = decoder.apply(token);
    if (piece.isEmpty()) {
      return false;
    }
    tail.append(piece);
    for (String stop : stops) {
      if (tail.indexOf(stop) >= 0) {
        return true;
      }
    }
    if (tail.length() >= longest) {
      tail.delete(0, tail.length() - longest + 1);
    }
    return false;
  }
}
