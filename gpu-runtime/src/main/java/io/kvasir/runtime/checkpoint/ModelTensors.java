package io.kvasir.runtime.checkpoint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The weights of a decoder by role, checked strictly: every expected tensor exactly once, in a
 * weight type and with the expected shape, and nothing unknown beside them. Thread-safe as its
 * source is.
 */
public final class ModelTensors {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String OUTPUT = "lm_head.weight";

  private final ModelConfig config;
  private final TensorSource source;

  private ModelTensors(ModelConfig config, TensorSource source) {
    this.config = config;
    this.source = source;
  }

  /**
   * Checks a source against a config.
   *
   * @throws CheckpointException listing every missing, unknown or misshapen tensor
   */
  public static ModelTensors of(ModelConfig config, TensorSource source) {
    Problems problems = new Problems();
    check(config, source, problems);
    problems.throwIfAny();
    return new ModelTensors(config, source);
  }

  /**
   * Every tensor that a model of this config has, in the order in which a forward pass meets it.
   */
  public static List<TensorSpec> expected(ModelConfig c) {
    List<TensorSpec> specs = new ArrayList<>();
    specs.add(new TensorSpec(EMBEDDING, c.vocabSize(), c.hiddenSize()));
    for (int l = 0; l < c.layerCount(); l++) {
      addLayer(c, "model.layers." + l + ".", specs);
    }
    specs.add(new TensorSpec("model.norm.weight", c.hiddenSize()));
    if (!c.tieWordEmbeddings()) {
      specs.add(new TensorSpec(OUTPUT, c.vocabSize(), c.hiddenSize()));
    }
    return specs;
  }

  private static void addLayer(ModelConfig c, String prefix, List<TensorSpec> specs) {
    long hidden = c.hiddenSize();
    long width = c.intermediateSize();
    String attention = prefix + "self_attn.";
    specs.add(new TensorSpec(prefix + "input_layernorm.weight", hidden));
    if (c.fusedProjections()) {
      specs.add(
          new TensorSpec(attention + "qkv_proj.weight", c.queryWidth() + 2L * c.kvWidth(), hidden));
    } else {
      addLinear(attention + "q_proj", c.queryWidth(), hidden, c.qkvBias(), specs);
      addLinear(attention + "k_proj", c.kvWidth(), hidden, c.qkvBias(), specs);
      addLinear(attention + "v_proj", c.kvWidth(), hidden, c.qkvBias(), specs);
    }
    if (c.qkNorm()) {
      specs.add(new TensorSpec(attention + "q_norm.weight", c.headDim()));
      specs.add(new TensorSpec(attention + "k_norm.weight", c.headDim()));
    }
    addLinear(attention + "o_proj", hidden, c.queryWidth(), c.attentionOutputBias(), specs);
    specs.add(new TensorSpec(prefix + "post_attention_layernorm.weight", hidden));
    if (c.fusedProjections()) {
      specs.add(new TensorSpec(prefix + "mlp.gate_up_proj.weight", 2 * width, hidden));
    } else {
      addLinear(prefix + "mlp.gate_proj", width, hidden, c.mlpBias(), specs);
      addLinear(prefix + "mlp.up_proj", width, hidden, c.mlpBias(), specs);
    }
    addLinear(prefix + "mlp.down_proj", hidden, width, c.mlpBias(), specs);
  }

  private static void addLinear(
      String name, long out, long in, boolean bias, List<TensorSpec> specs) {
    specs.add(new TensorSpec(name + ".weight", out, in));
    if (bias) {
      specs.add(new TensorSpec(name + ".bias", out));
    }
  }

  static void check(ModelConfig config, TensorSource source, Problems problems) {
    Set<String> expected = new HashSet<>();
    for (TensorSpec spec : expected(config)) {
      expected.add(spec.name());
      if (!source.names().contains(spec.name())) {
        problems.add(
            "tensor "
                + spec.name()
                + " "
                + Arrays.toString(spec.shape())
                + " is missing"
                + (spec.name().equals(OUTPUT)
                    ? ", allowed only with tie_word_embeddings=true: correct config.json or"
                        + " download all shards."
                    : ": download all shards of this revision."));
        continue;
      }
      TensorView found = source.describe(spec.name());
      if (!Arrays.equals(found.shape(), spec.shape())) {
        problems.add(
            "tensor "
                + spec.name()
                + " has shape "
                + Arrays.toString(found.shape())
                + ", config.json needs "
                + Arrays.toString(spec.shape())
                + ": take config and weights of one revision.");
      }
      if (!found.dtype().isWeight()) {
        problems.add(
            "tensor "
                + spec.name()
                + " has dtype "
                + found.dtype()
                + ", supported are BF16, F16 and F32: take the unquantised checkpoint.");
      }
    }
    for (String name : source.names()) {
      if (!expected.contains(name) && !isAllowedExtra(config, name)) {
        problems.add(
            "tensor "
                + Problems.quote(name)
                + " is unknown to model_type "
                + config.modelType()
                + ": check that the folder holds a plain language model of this family.");
      }
    }
  }

  private static boolean isAllowedExtra(ModelConfig config, String name) {
    return name.endsWith(".rotary_emb.inv_freq")
        || (config.tieWordEmbeddings() && name.equals(OUTPUT));
  }

  public ModelConfig config() {
    return config;
  }

  /** The layer's weights by role. */
  public LayerTensors layer(int layer) {
    if (layer < 0 || layer >= config.layerCount()) {
      throw new IndexOutOfBoundsException("layer " + layer + " of " + config.layerCount());
    }
    return new LayerTensors(config, source, layer);
  }

  /** {@code [vocab, hidden]}. */
  public TensorView embedTokens() {
    return source.tensor(EMBEDDING);
  }

  /** {@code [hidden]}. */
  public TensorView finalNorm() {
    return source.tensor("model.norm.weight");
  }

  /** {@code [vocab, hidden]}; the embedding itself when {@link #lmHeadIsTied()}. */
  public TensorView lmHead() {
    return source.tensor(lmHeadIsTied() ? EMBEDDING : OUTPUT);
  }

  /** True when {@link #lmHead()} is {@link #embedTokens()}: pack it once. */
  public boolean lmHeadIsTied() {
    return config.tieWordEmbeddings();
  }
}
