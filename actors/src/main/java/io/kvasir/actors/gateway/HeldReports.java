package io.kvasir.actors.gateway;

import io.kvasir.runtime.engine.TokenLogprobs;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Reports of a choice's tokens, told together with the text that they make and never before it: a
 * token is held until all of its text is shown, and one that completes no text of its own (a part
 * of a character) until the text after it is. What a stop string takes from the text it takes from
 * the reports. One thread.
 */
final class HeldReports {
  private record Held(TokenReport report, int startChar, int endChar) {}

  private final TokenLogprobs logprobs;
  private final ArrayDeque<Held> held = new ArrayDeque<>();
  private int chars;
  private int codePoints;

  /**
   * @param textOffset code points before the answer's own text
   */
  HeldReports(TokenLogprobs logprobs, int textOffset) {
    this.logprobs = logprobs;
    this.codePoints = textOffset;
  }

  /** The token at {@code index} of the answer has come and completed {@code piece}. */
  void add(int index, int id, String piece) {
    TokenReport report = TokenReport.of(logprobs, index, id, piece, codePoints);
    held.add(new Held(report, chars, chars + piece.length()));
    chars += piece.length();
    codePoints += piece.codePointCount(0, piece.length());
  }

  /** What may be told now that the first {@code shownChars} of the text are shown. */
  List<TokenReport> release(int shownChars) {
    if (held.isEmpty() || held.getFirst().endChar > shownChars) {
      return List.of();
    }
    List<TokenReport> told = new ArrayList<>();
    for (Held next = held.peek(); next != null; next = held.peek()) {
      boolean complete =
          next.endChar > next.startChar ? next.endChar <= shownChars : next.endChar < shownChars;
      if (!complete) {
        break;
      }
      told.add(held.remove().report);
    }
    return told;
  }

  /**
   * The rest.
   *
   * @param stopped whether a stop string cut the text at {@code shownChars}
   */
  List<TokenReport> finish(boolean stopped, int shownChars) {
    List<TokenReport> told = new ArrayList<>();
    for (Held next : held) {
      // A part of a character belongs to the text behind it.
      boolean shown =
          next.endChar > next.startChar ? next.endChar <= shownChars : next.startChar < shownChars;
      if (!stopped || shown) {
        told.add(next.report);
      } else if (next.startChar < shownChars) {
        told.add(next.report.cutTo(shownChars - next.startChar));
      }
    }
    held.clear();
    return told;
  }
}
