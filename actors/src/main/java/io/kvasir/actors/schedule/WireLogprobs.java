package io.kvasir.actors.schedule;

import io.kvasir.runtime.engine.TokenLogprobs;

/**
 * Log-probabilities of some tokens as they travel; the arrays belong to it.
 *
 * @param own [token]
 * @param topIds [token, rank]
 * @param topLogprobs [token, rank]
 */
record WireLogprobs(float[] own, int[] topIds, float[] topLogprobs) {
  WireLogprobs {
    own = own == null ? new float[0] : own;
    topIds = topIds == null ? new int[0] : topIds;
    topLogprobs = topLogprobs == null ? new float[0] : topLogprobs;
  }

  /** Those of tokens [first, first + count). */
  static WireLogprobs of(TokenLogprobs from, int first, int count) {
    int top = from.topCount();
    float[] own = new float[count];
    int[] topIds = new int[count * top];
    float[] topLogprobs = new float[count * top];
    for (int i = 0; i < count; i++) {
      own[i] = from.logprob(first + i);
      for (int rank = 0; rank < top; rank++) {
        topIds[i * top + rank] = from.topToken(first + i, rank);
        topLogprobs[i * top + rank] = from.topLogprob(first + i, rank);
      }
    }
    return new WireLogprobs(own, topIds, topLogprobs);
  }

  /** How many tokens. */
  int tokenCount() {
    return own.length;
  }

  /** Whether it has what {@code to} keeps, for {@code tokens} tokens. */
  boolean fits(TokenLogprobs to, int tokens) {
    int alternatives = tokens * to.topCount();
    return own.length == tokens
        && topIds.length == alternatives
        && topLogprobs.length == alternatives;
  }

  /** Writes the token at {@code ordinal} of these as number {@code index}. */
  void copyTo(TokenLogprobs to, int ordinal, int index) {
    int top = to.topCount();
    int[] ids = new int[top];
    float[] values = new float[top];
    System.arraycopy(topIds, ordinal * top, ids, 0, top);
    System.arraycopy(topLogprobs, ordinal * top, values, 0, top);
    to.set(index, own[ordinal], ids, values);
  }
}
