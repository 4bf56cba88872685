package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

final class StopStringsTest {
  /** Index of the piece at which it stops, −1 if it does not. */
  private static int stopsAt(int minTokens, List<String> stops, String... pieces) {
    StopStrings watch = new StopStrings(stops, minTokens, token -> pieces[token]);
    for (int i = 0; i < pieces.length; i++) {
      if (watch.matches(i)) {
        return i;
      }
    }
    return -1;
  }

  @Test
  void shouldStopAtAMatchThatCrossesPieces() {
    assertEquals(2, stopsAt(0, List.of("END"), "aE", "N", "Dx", "y"));
    assertEquals(-1, stopsAt(0, List.of("END"), "E", "N", "E", "N"));
  }

  @Test
  void shouldNotEndAtTheMinimumBecauseOfAnEarlierMatch() {
    assertEquals(-1, stopsAt(3, List.of("."), "a.", "b", "c", "d"));
    assertEquals(-1, stopsAt(3, List.of("."), ".", ".", "c", "d"));
  }

  @Test
  void shouldCountOnlyTextFromTheMinimumOn() {
    assertEquals(2, stopsAt(3, List.of("."), "a", "b.", "c.", "d."));
    assertEquals(-1, stopsAt(3, List.of("END"), "a", "E", "ND", "x"));
    assertEquals(3, stopsAt(3, List.of("END"), "a", "b", "E", "ND", "x"));
  }

  @Test
  void shouldForgetTextThatIsTooOldForAMatch() {
    assertEquals(-1, stopsAt(0, List.of("ab"), "a", "x", "b"));
    assertEquals(3, stopsAt(0, List.of("abcd", "zz"), "xxab", "", "c", "d"));
  }
}
