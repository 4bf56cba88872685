package io.kvasir.runtime.engine;

import java.util.List;
import java.util.function.IntFunction;

/** The engine's stop rule, for tests that hold another one against it. */
public final class EngineStops {
  private EngineStops() {}

  /** Index of the token at which a choice ends for its text, −1 if it does not. */
  public static int stopsAt(
      List<String> stops, int minTokens, IntFunction<String> decoder, int[] tokens) {
    StopStrings watch = new StopStrings(stops, minTokens, decoder);
    for (int i = 0; i < tokens.length; i++) {
      if (watch.matches(tokens[i])) {
        return i;
      }
    }
    return -1;
  }
}
