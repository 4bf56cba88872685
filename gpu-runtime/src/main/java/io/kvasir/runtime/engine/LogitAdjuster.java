package io.kvasir.runtime.engine;

/**
 * Changes one row's logits before a token is drawn: penalties, biases, masks (−∞). Sees that row's
 * own path, so it acts right on every node of a speculative tree. Engine thread; no allocation.
 */
@FunctionalInterface
public interface LogitAdjuster {
  void adjust(float[] logits, int offset, int vocabSize, TokenPath path);
}
