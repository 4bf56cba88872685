package io.kvasir.actors.gateway;

import io.kvasir.runtime.engine.TokenLogprobs;
import java.util.Arrays;

/**
 * One token of an answer, or of an echoed prompt, with its log-probability and its likeliest
 * alternatives. The arrays belong to it.
 *
 * @param piece the text that it completed; as much of it as is shown
 * @param cut whether a stop string took the end of its text, so that the piece is all that may be
 *     told
 * @param logprob NaN for the first token of a prompt
 * @param textOffset code points of the choice's text before its own
 */
record TokenReport(
    int id,
    String piece,
    boolean cut,
    float logprob,
    int[] topIds,
    float[] topLogprobs,
    int textOffset) {

  static TokenReport of(TokenLogprobs from, int index, int id, String piece, int textOffset) {
    int[] ids = new int[from.topCount()];
    float[] logprobs = new float[ids.length];
    for (int rank = 0; rank < ids.length; rank++) {
      ids[rank] = from.topToken(index, rank);
      logprobs[rank] = from.topLogprob(index, rank);
    }
    return new TokenReport(id, piece, false, from.logprob(index), ids, logprobs, textOffset);
  }

  TokenReport cutTo(int chars) {
    return new TokenReport(
        id, piece.substring(0, chars), true, logprob, topIds, topLogprobs, textOffset);
  }

  /** The same with {@code count} alternatives at most. */
  TokenReport withTop(int count) {
    return count >= topIds.length
        ? this
        : new TokenReport(
            id,
            piece,
            cut,
            logprob,
            Arrays.copyOf(topIds, count),
            Arrays.copyOf(topLogprobs, count),
            textOffset);
  }
}
