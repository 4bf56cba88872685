package io.kvasir.runtime.engine;

import java.util.Map;

/** Adds a client's biases. Stateless: one serves all choices of a request. */
final class LogitBias implements LogitAdjuster {
  private final int[] ids;
  private final float[] biases;

  LogitBias(Map<Integer, Float> biasOf) {
    ids = new int[biasOf.size()];
    biases = new float[ids.length];
    int i = 0;
    for (Map.Entry<Integer, Float> e : biasOf.entrySet()) {
      ids[i] = e.getKey();
      biases[i++] = e.getValue();
    }
  }

  @Override
  public void adjust(float[] logits, int offset, int vocabSize, TokenPath path) {
    for (int i = 0; i < ids.length; i++) {
      logits[offset + ids[i]] += biases[i];
    }
  }
}
