package io.kvasir.runtime.engine;

import java.util.List;

/** Masks the stop ids of rows whose path has fewer answer tokens than asked for. */
record MinTokensMask(int minTokens, List<Integer> stopIds) implements LogitAdjuster {
  @Override
  public void adjust(float[] logits, int offset, int vocabSize, TokenPath path) {
    if (path.length() - path.promptLength() >= minTokens) {
      return;
    }
    for (int i = 0; i < stopIds.size(); i++) {
      logits[offset + stopIds.get(i)] = Float.NEGATIVE_INFINITY;
    }
  }
}
