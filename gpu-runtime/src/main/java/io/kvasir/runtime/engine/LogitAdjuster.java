package io.kvasir.runtime.engine;

/**
 * Changes one row's logits before a token is drawn: penalties, biases, masks (−∞). Sees that row's
 * own path, so it acts right on every node of a speculative tree. The first path that it sees may
 * already hold tokens of the answer: one with state catches up from the path. Engine thread; no
 * allocation.
 */
@FunctionalInterface
public interface LogitAdjuster {
  void adjust(float[] logits, int offset, int vocabSize, TokenPath path);

  /**
   * The adjuster of another choice of the same request, which starts at the end of the prompt. One
   * that keeps state about the path returns a fresh instance; one without state returns itself.
   */
  default LogitAdjuster forAnotherChoice() {
    return this;
  }
}
