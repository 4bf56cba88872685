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
