package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.engine.ReportSource;
import io.kvasir.runtime.engine.SamplingParameters;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is told about tokens is the text that is shown, never more and never earlier. */
final class HeldReportsTest {
  @Test
  void shouldTellExactlyTheTokensOfTheTextThatIsShown() {
    Random random = new Random(20261123);
    int stopped = 0;
    for (int round = 0; round < 500; round++) {
      StringBuilder made = new StringBuilder();
      for (int i = 0; i < 25; i++) {
        made.appendCodePoint("aé€😀b".codePointAt(new int[] {0, 1, 2, 3, 5}[random.nextInt(5)]));
      }
      String text = made.toString();
      int from = text.offsetByCodePoints(0, random.nextInt(20));
      String stop = text.substring(from, text.offsetByCodePoints(from, 1 + random.nextInt(4)));
      AnswerText answer =
          new AnswerText(
              new ByteText().newDecoder(new int[0]),
              SamplingParameters.builder().stopStrings(List.of(stop)).build());
      int[] tokens = ByteText.tokens(text);
      HeldReports held = new HeldReports(ReportSource.of(tokens.length), 7);
      StringBuilder shown = new StringBuilder();
      List<TokenReport> told = new ArrayList<>();
      for (int i = 0; i < tokens.length && !answer.stopped(); i++) {
        shown.append(answer.append(tokens[i]));
        held.add(i, tokens[i], answer.lastPiece());
        // Tokens that come together are told together.
        if (!answer.stopped() && random.nextInt(3) == 0) {
          told.addAll(held.release(answer.shownChars()));
          assertTrue(bytesOf(told) <= shown.toString().getBytes(StandardCharsets.UTF_8).length);
        }
      }
      shown.append(answer.finish());
      told.addAll(held.finish(answer.stopped(), answer.shownChars()));
      byte[] expected = shown.toString().getBytes(StandardCharsets.UTF_8);
      assertEquals(expected.length, bytesOf(told), () -> text + " stop " + stop);
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], (byte) told.get(i).id());
        int characters = new String(expected, 0, i, StandardCharsets.UTF_8).length();
        assertTrue(told.get(i).textOffset() <= 7 + characters);
      }
      assertEquals(
          7, told.isEmpty() ? 7 : told.getFirst().textOffset(), "offsets begin after the echo");
      stopped += answer.stopped() ? 1 : 0;
    }
    assertEquals(500, stopped);
  }

  private static int bytesOf(List<TokenReport> told) {
    return told.size();
  }

  @Test
  void shouldCutATokenThatReachesIntoAStopString() {
    HeldReports held = new HeldReports(ReportSource.of(3), 0);
    held.add(0, 1, "on");
    held.add(1, 2, "e S");
    held.add(2, 3, "TOP");
    assertEquals(List.of(1), held.release(3).stream().map(TokenReport::id).toList());
    List<TokenReport> rest = held.finish(true, 4);
    assertEquals(1, rest.size());
    assertEquals("e ", rest.getFirst().piece());
    assertTrue(rest.getFirst().cut());
    assertEquals(2, rest.getFirst().textOffset());
  }
}
