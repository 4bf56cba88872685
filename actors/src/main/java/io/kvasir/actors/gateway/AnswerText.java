package io.kvasir.actors.gateway;

import io.kvasir.runtime.engine.SamplingParameters;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Tokens in, text out: the pure core of an answer. The longest tail that could begin a stop string
 * is held back, so that no part of one is ever shown (all of it, where the client wants it
 * included). Stop rules follow the engine's: a stop string lies wholly in text that token number
 * min_tokens or a later one completes. One thread.
 */
final class AnswerText {
  private final TextDecoder decoder;
  private final List<String> stops;
  private final Set<Integer> stopIds;
  private final int minTokens;
  private final boolean includesStop;
  private final StringBuilder pending = new StringBuilder();
  private int tokenCount;
  private boolean stopped;
  private String lastPiece = "";
  private int shownChars;

  AnswerText(TextDecoder decoder, SamplingParameters sampling) {
    this.decoder = decoder;
    this.stops = sampling.stopStrings();
    this.stopIds = new HashSet<>(sampling.stopIds());
    this.minTokens = sampling.minTokens();
    this.includesStop = sampling.includeStopString();
  }

  /** The text that may be shown after this token; empty once {@link #stopped()}. */
  String append(int token) {
    if (stopped) {
      return "";
    }
    tokenCount++;
    boolean minimumReached = tokenCount >= minTokens;
    if (minimumReached && stopIds.contains(token)) {
      lastPiece = "";
      return "";
    }
    lastPiece = decoder.append(token);
    pending.append(lastPiece);
    return minimumReached ? match() : release(pending.length());
  }

  /** What was held back, at the end of the answer. */
  String finish() {
    if (stopped) {
      return "";
    }
    lastPiece = decoder.finish();
    pending.append(lastPiece);
    String shown = match();
    return stopped ? shown : shown + release(pending.length());
  }

  /** True once a stop string was met. */
  boolean stopped() {
    return stopped;
  }

  /** Tokens up to and including the one that ended it. */
  int tokenCount() {
    return tokenCount;
  }

  /** The text that the last token completed, or the end did, shown or not. */
  String lastPiece() {
    return lastPiece;
  }

  /** Characters shown so far; final once {@link #stopped()}. */
  int shownChars() {
    return shownChars;
  }

  private String match() {
    int first = -1;
    int end = -1;
    for (String stop : stops) {
      int at = pending.indexOf(stop);
      boolean earlier = first < 0 || at < first || at == first && at + stop.length() < end;
      if (at >= 0 && earlier) {
        first = at;
        end = at + stop.length();
      }
    }
    if (first >= 0) {
      stopped = true;
      return release(includesStop ? end : first);
    }
    return release(pending.length() - heldBack());
  }

  private int heldBack() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, pending.length()); n > longest; n--) {
        if (pending.indexOf(stop.substring(0, n), pending.length() - n) >= 0) {
          longest = n;
        }
      }
    }
    return longest;
  }

  private String release(int end) {
    // Never between the halves of one character.
    int cut =
        end > 0 && end < pending.length() && Character.isHighSurrogate(pending.charAt(end - 1))
            ? end - 1
            : end;
    String shown = pending.substring(0, cut);
    pending.delete(0, cut);
    shownChars += cut;
    return shown;
  }
}
