package io.kvasir.runtime.train;

/**
 * The sizes of a Llama model, as its config.json names them; all counts are positive.
 *
 * @param vocabularySize token ids
 * @param hiddenSize width of the residual stream
 * @param layerCount decoder layers
 * @param headCount query heads
 * @param kvHeadCount key and value heads, a divisor of headCount
 * @param headDim width of one head, even; headCount × headDim may differ from hiddenSize
 * @param ffnSize width of the SwiGLU block
 * @param ropeTheta base of the rotary frequencies
 * @param normEpsilon epsilon of RMSNorm
 * @param maxPositions longest sequence in tokens
 */
public record LlamaShape(
    int vocabularySize,
    int hiddenSize,
    int layerCount,
    int headCount,
    int kvHeadCount,
    int headDim,
    int ffnSize,
    double ropeTheta,
    double normEpsilon,
    int maxPositions) {

  /** Checks that the head counts and widths fit each other. */
  public LlamaShape {
    if (kvHeadCount < 1 || headCount % kvHeadCount != 0) {
      throw new IllegalArgumentException(
          "headCount="
              + headCount
              + " is no multiple of kvHeadCount="
              + kvHeadCount
              + ", choose a divisor");
    }
    if (headDim < 2 || headDim % 2 != 0) {
      throw new IllegalArgumentException(
          "headDim=" + headDim + " must be even and at least 2 for rotary positions");
    }
  }
}
