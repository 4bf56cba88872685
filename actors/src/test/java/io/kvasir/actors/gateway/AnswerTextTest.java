package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.engine.EngineStops;
import io.kvasir.runtime.engine.SamplingParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class AnswerTextTest {
  private static AnswerText answer(int minTokens, String... stops) {
    return new AnswerText(
        new ByteText().newDecoder(new int[0]),
        SamplingParameters.builder()
            .maxTokens(1000)
            .minTokens(minTokens)
            .stopIds(List.of(ByteText.END))
            .stopStrings(List.of(stops))
            .build());
  }

  /** Text of a–c, and up to three stop strings cut from it. */
  private record Cut(String text, String[] stops) {
    static Cut random(Random random, int maxStop) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 30; i++) {
        text.append((char) ('a' + random.nextInt(3)));
      }
      String[] stops = new String[1 + random.nextInt(3)];
      for (int s = 0; s < stops.length; s++) {
        int from = random.nextInt(text.length());
        int to = Math.min(text.length(), from + 1 + random.nextInt(maxStop));
        stops[s] = text.substring(from, to);
      }
      return new Cut(text.toString(), stops);
    }
  }

  private static List<String> feed(AnswerText answer, String text) {
    List<String> shown = new ArrayList<>();
    for (int token : ByteText.tokens(text)) {
      shown.add(answer.append(token));
    }
    return shown;
  }

  @Test
  void shouldHoldBackWhatCouldBecomeAStopString() {
    AnswerText answer = answer(0, "END");
    assertEquals(List.of("a", "", "", "ENx", "", ""), feed(answer, "aENxEN"));
    assertEquals("EN", answer.finish());
    assertFalse(answer.stopped());
  }

  @Test
  void shouldShowNothingOfAStopStringAndCountItsLastToken() {
    AnswerText answer = answer(0, "END");
    assertEquals("ab", String.join("", feed(answer, "abENDcd")));
    assertTrue(answer.stopped());
    assertEquals(5, answer.tokenCount());
    assertEquals("", answer.finish());
  }

  @Test
  void shouldStopAtTheEarliestOfSeveralStopStrings() {
    AnswerText answer = answer(0, "cd", "bcde", "xyz");
    assertEquals("ab", String.join("", feed(answer, "abcdef")));
    AnswerText overlapping = answer(0, "aab");
    assertEquals("a", String.join("", feed(overlapping, "aaab")));
  }

  @Test
  void shouldIgnoreStopRulesBeforeMinTokens() {
    AnswerText answer = answer(4, ".");
    assertEquals("a.b", String.join("", feed(answer, "a.b.c")));
    assertTrue(answer.stopped());
    assertEquals(4, answer.tokenCount());
  }

  @Test
  void shouldNeverSplitACharacter() {
    AnswerText answer = answer(0, "\uD83D\uDE01");
    List<String> shown = feed(answer, "é\uD83D\uDE00 ok");
    assertEquals("é\uD83D\uDE00 ok", String.join("", shown));
    for (String piece : shown) {
      assertFalse(piece.endsWith("\uD83D"), "half a character in " + shown);
    }
  }

  @Test
  void shouldReplaceUnfinishedBytesAtTheEnd() {
    AnswerText answer = answer(0);
    assertEquals("a", answer.append('a'));
    assertEquals("", answer.append(0xE2));
    assertEquals("\uFFFD", answer.finish());
  }

  @Test
  void shouldNotShowAStopToken() {
    AnswerText answer = answer(0);
    assertEquals("a", answer.append('a'));
    assertEquals("", answer.append(ByteText.END));
    assertEquals("", answer.finish());
    assertEquals(2, answer.tokenCount());
  }

  @Test
  void shouldShowExactlyTheTextBeforeTheFirstStopHoweverItIsCut() {
    Random random = new Random(20261123);
    for (int round = 0; round < 500; round++) {
      Cut cut = Cut.random(random, 5);
      String text = cut.text();
      // The stream ends at the first completed stop, and shows what lies before the first start
      // among those complete by then.
      int end = Integer.MAX_VALUE;
      for (String stop : cut.stops()) {
        end = Math.min(end, text.indexOf(stop) + stop.length());
      }
      int shownTo = text.length();
      for (String stop : cut.stops()) {
        int at = text.indexOf(stop);
        if (at + stop.length() <= end) {
          shownTo = Math.min(shownTo, at);
        }
      }
      AnswerText answer = answer(0, cut.stops());
      String shown = String.join("", feed(answer, text)) + answer.finish();
      assertEquals(text.substring(0, shownTo), shown, () -> text + " " + List.of(cut.stops()));
    }
  }

  @Test
  void shouldStopAtTheTokenWhereTheEngineStops() {
    Random random = new Random(7);
    int stopped = 0;
    for (int round = 0; round < 1_000; round++) {
      Cut cut = Cut.random(random, 4);
      int minTokens = random.nextInt(30);
      int[] tokens = ByteText.tokens(cut.text());
      AnswerText answer = answer(minTokens, cut.stops());
      int at = -1;
      for (int i = 0; i < tokens.length && at < 0; i++) {
        answer.append(tokens[i]);
        at = answer.stopped() ? i : -1;
      }
      TextDecoder decoder = new ByteText().newDecoder(new int[0]);
      int inEngine = EngineStops.stopsAt(List.of(cut.stops()), minTokens, decoder::append, tokens);
      assertEquals(inEngine, at, () -> cut.text() + " " + List.of(cut.stops()) + " " + minTokens);
      assertTrue(at < 0 || at + 1 >= minTokens);
      stopped += at < 0 ? 0 : 1;
    }
    assertTrue(stopped > 300 && stopped < 1_000, "both outcomes were to come up: " + stopped);
  }

  @Test
  void shouldShowTheStopStringWhereItIsWanted() {
    AnswerText answer =
        new AnswerText(
            new ByteText().newDecoder(new int[0]),
            SamplingParameters.builder()
                .stopStrings(List.of("END", "EN"))
                .includeStopString(true)
                .build());
    assertEquals("abEN", String.join("", feed(answer, "abENDcd")));
    assertTrue(answer.stopped());
    assertEquals("", answer.finish());
  }
}
