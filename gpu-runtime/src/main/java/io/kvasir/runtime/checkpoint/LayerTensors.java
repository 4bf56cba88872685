package io.kvasir.runtime.checkpoint;

import java.util.Optional;

/**
 * The weights of one decoder layer, equal in form for all families: fused tensors appear as their
 * parts. Linear weights are {@code [out, in]}. Each call fetches the tensor anew from the source,
 * so ask once and keep what you packed. Thread-safe as the source is.
 */
public final class LayerTensors {
  private final ModelConfig config;
  private final TensorSource source;
  private final String prefix;

  LayerTensors(ModelConfig config, TensorSource source, int layer) {
    this.config = config;
    this.source = source;
    this.prefix = "model.layers." + layer + ".";
  }

  /** {@code [hidden]}, before attention. */
  public TensorView inputNorm() {
    return source.tensor(prefix + "input_layernorm.weight");
  }

  /** {@code [hidden]}, before the feed-forward part. */
  public TensorView postAttentionNorm() {
    return source.tensor(prefix + "post_attention_layernorm.weight");
  }

  /** {@code [heads * headDim, hidden]}. */
  public TensorView q() {
    return config.fusedProjections() ? qkvRows(0, config.queryWidth()) : projection("q");
  }

  /** {@code [kvHeads * headDim, hidden]}. */
  public TensorView k() {
    int from = config.queryWidth();
    return config.fusedProjections() ? qkvRows(from, from + config.kvWidth()) : projection("k");
  }

  /** {@code [kvHeads * headDim, hidden]}. */
  public TensorView v() {
    int from = config.queryWidth() + config.kvWidth();
    return config.fusedProjections() ? qkvRows(from, from + config.kvWidth()) : projection("v");
  }

  /** {@code [hidden, heads * headDim]}. */
  public TensorView o() {
    return projection("o");
  }

  /** {@code [intermediate, hidden]}, the part that goes through silu. */
  public TensorView gate() {
    int width = config.intermediateSize();
    return config.fusedProjections()
        ? source.rows(prefix + "mlp.gate_up_proj.weight", 0, width)
        : source.tensor(prefix + "mlp.gate_proj.weight");
  }

  /** {@code [intermediate, hidden]}. */
  public TensorView up() {
    int width = config.intermediateSize();
    return config.fusedProjections()
        ? source.rows(prefix + "mlp.gate_up_proj.weight", width, 2L * width)
        : source.tensor(prefix + "mlp.up_proj.weight");
  }

  /** {@code [hidden, intermediate]}. */
  public TensorView down() {
    return source.tensor(prefix + "mlp.down_proj.weight");
  }

  /** {@code [heads * headDim]} where {@link ModelConfig#qkvBias()}. */
  public Optional<TensorView> qBias() {
    return bias(config.qkvBias(), "self_attn.q_proj.bias");
  }

  /** {@code [kvHeads * headDim]} where {@link ModelConfig#qkvBias()}. */
  public Optional<TensorView> kBias() {
    return bias(config.qkvBias(), "self_attn.k_proj.bias");
  }

  /** {@code [kvHeads * headDim]} where {@link ModelConfig#qkvBias()}. */
  public Optional<TensorView> vBias() {
    return bias(config.qkvBias(), "self_attn.v_proj.bias");
  }

  /** {@code [hidden]} where {@link ModelConfig#attentionOutputBias()}. */
  public Optional<TensorView> oBias() {
    return bias(config.attentionOutputBias(), "self_attn.o_proj.bias");
  }

  /** {@code [intermediate]} where {@link ModelConfig#mlpBias()}. */
  public Optional<TensorView> gateBias() {
    return bias(config.mlpBias(), "mlp.gate_proj.bias");
  }

  /** {@code [intermediate]} where {@link ModelConfig#mlpBias()}. */
  public Optional<TensorView> upBias() {
    return bias(config.mlpBias(), "mlp.up_proj.bias");
  }

  /** {@code [hidden]} where {@link ModelConfig#mlpBias()}. */
  public Optional<TensorView> downBias() {
    return bias(config.mlpBias(), "mlp.down_proj.bias");
  }

  /** {@code [headDim]} where {@link ModelConfig#qkNorm()}: per head, before rotation. */
  public Optional<TensorView> qNorm() {
    return bias(config.qkNorm(), "self_attn.q_norm.weight");
  }

  /** {@code [headDim]} where {@link ModelConfig#qkNorm()}: per head, before rotation. */
  public Optional<TensorView> kNorm() {
    return bias(config.qkNorm(), "self_attn.k_norm.weight");
  }

  private TensorView projection(String which) {
    return source.tensor(prefix + "self_attn." + which + "_proj.weight");
  }

  private TensorView qkvRows(long fromRow, long toRow) {
    return source.rows(prefix + "self_attn.qkv_proj.weight", fromRow, toRow);
  }

  private Optional<TensorView> bias(boolean present, String name) {
    return present ? Optional.of(source.tensor(prefix + name)) : Optional.empty();
  }
}
