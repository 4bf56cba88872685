package io.kvasir.runtime.checkpoint;

import java.util.List;

/**
 * What config.json says about a decoder, validated and with the family's defaults filled in.
 * Immutable.
 *
 * @param modelType llama, mistral, qwen2, qwen3 or phi3
 * @param headDim numbers per head; {@code headCount * headDim} may differ from {@code hiddenSize}
 * @param slidingWindows one entry per layer: tokens visible including the own one, 0 = all
 * @param qkvBias q, k and v projections have a bias
 * @param attentionOutputBias the o projection has a bias
 * @param mlpBias gate, up and down projections have a bias
 * @param qkNorm RMSNorm per head on q and k before rotation, same epsilon
 * @param fusedProjections q, k, v stored as one tensor and gate, up as another
 * @param bosTokenIds empty when the model has none
 * @param eosTokenIds empty when the model has none
 * @param dtype the type the model computed in when it was saved; tensors state their own
 */
public record ModelConfig(
    String modelType,
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layerCount,
    int headCount,
    int kvHeadCount,
    int headDim,
    double rmsNormEps,
    RopeConfig rope,
    int maxPositionEmbeddings,
    List<Integer> slidingWindows,
    boolean tieWordEmbeddings,
    boolean qkvBias,
    boolean attentionOutputBias,
    boolean mlpBias,
    boolean qkNorm,
    boolean fusedProjections,
    List<Integer> bosTokenIds,
    List<Integer> eosTokenIds,
    DType dtype) {

  public ModelConfig {
    slidingWindows = List.copyOf(slidingWindows);
    bosTokenIds = List.copyOf(bosTokenIds);
    eosTokenIds = List.copyOf(eosTokenIds);
  }

  /**
   * Reads the bytes of a config.json.
   *
   * @throws CheckpointException listing everything that is unknown or out of range
   */
  public static ModelConfig parse(byte[] configJson) {
    return ModelConfigParser.parse(configJson);
  }

  /** Tokens visible at a layer including the own one; 0 = all. */
  public int slidingWindow(int layer) {
    return slidingWindows.get(layer);
  }

  /** Rows of the q projection. */
  public int queryWidth() {
    return headCount * headDim;
  }

  /** Rows of the k projection, and of the v projection. */
  public int kvWidth() {
    return kvHeadCount * headDim;
  }

  /**
   * The same family in little: heads of the same length, as many of them on one key, the first and
   * the last layer's windows. A step of it takes the same code through the same branches and next
   * to no time.
   *
   * @param hidden its hidden size, at most this model's own
   */
  public ModelConfig miniature(int hidden) {
    if (hidden < 1 || hidden > hiddenSize) {
      throw new IllegalArgumentException(
          "hidden=" + hidden + " of a miniature is not between 1 and the model's " + hiddenSize);
    }
    return new ModelConfig(
        modelType,
        Math.min(vocabSize, 4 * hidden),
        hidden,
        Math.min(intermediateSize, 2 * hidden),
        2,
        headCount / kvHeadCount,
        1,
        headDim,
        rmsNormEps,
        rope,
        maxPositionEmbeddings,
        List.of(slidingWindows.getFirst(), slidingWindows.getLast()),
        tieWordEmbeddings,
        qkvBias,
        attentionOutputBias,
        mlpBias,
        qkNorm,
        fusedProjections,
        List.of(),
        List.of(),
        dtype);
  }

  /** Bytes of K and V of one token over all layers. */
  public long kvBytesPerToken(int elementBytes) {
    return 2L * kvWidth() * layerCount * elementBytes;
  }

  /** Number of weights, a tied output counted once. */
  public long parameterCount() {
    return ModelTensors.expected(this).stream()
        .mapToLong(spec -> TensorView.elementCount(spec.shape()))
        .sum();
  }
}
