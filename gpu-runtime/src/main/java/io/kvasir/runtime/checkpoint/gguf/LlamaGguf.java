package io.kvasir.runtime.checkpoint.gguf;

import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.checkpoint.RopeScaling;
import io.kvasir.runtime.checkpoint.TensorSource;
import io.kvasir.runtime.checkpoint.TensorView;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Exports a llama-family checkpoint as GGUF. Rows of q and k are reordered from the half-split to
 * the interleaved rotary form, which the format's llama architecture expects. The vocabulary is a
 * dummy in which token i reads {@code wi}, so that texts and ids map one to one. For one thread.
 */
public final class LlamaGguf {
  private final ModelConfig config;
  private final TensorSource source;
  private final GgufType type;
  private final GgufWriter writer = new GgufWriter();

  private LlamaGguf(ModelConfig config, TensorSource source, GgufType type) {
    this.config = config;
    this.source = source;
    this.type = type;
  }

  /**
   * Writes {@code file}; matrices in {@code type}, norms in f32. Streams one row at a time.
   *
   * @throws IllegalArgumentException for a model that the llama architecture cannot express
   */
  public static void export(ModelConfig config, TensorSource source, GgufType type, Path file)
      throws IOException {
    boolean plain =
        config.modelType().equals("llama")
            && !config.qkvBias()
            && !config.attentionOutputBias()
            && !config.mlpBias()
            && config.rope().scaling() instanceof RopeScaling.Default
            && config.rope().rotaryDims() == config.headDim();
    if (!plain) {
      throw new IllegalArgumentException(
          "model_type="
              + config.modelType()
              + " with rope "
              + config.rope()
              + " cannot be exported, give a llama model without biases and rope scaling");
    }
    LlamaGguf export = new LlamaGguf(config, source, type);
    export.addHyperparameters();
    export.addVocabulary();
    export.addTensors();
    export.writer.write(file);
  }

  private void addHyperparameters() {
    writer
        .put("general.architecture", "llama")
        .put("general.name", "kvasir-export")
        .put("llama.context_length", config.maxPositionEmbeddings())
        .put("llama.embedding_length", config.hiddenSize())
        .put("llama.block_count", config.layerCount())
        .put("llama.feed_forward_length", config.intermediateSize())
        .put("llama.attention.head_count", config.headCount())
        .put("llama.attention.head_count_kv", config.kvHeadCount())
        .put("llama.attention.key_length", config.headDim())
        .put("llama.attention.value_length", config.headDim())
        .put("llama.attention.layer_norm_rms_epsilon", (float) config.rmsNormEps())
        .put("llama.rope.freq_base", (float) config.rope().theta())
        .put("llama.rope.dimension_count", config.headDim())
        .put("llama.vocab_size", config.vocabSize());
  }

  private void addVocabulary() {
    int count = config.vocabSize();
    String[] pieces = new String[count];
    float[] scores = new float[count];
    int[] types = new int[count];
    for (int i = 0; i < count; i++) {
      pieces[i] = "w" + i;
      scores[i] = -i;
      types[i] = 1;
    }
    writer
        .put("tokenizer.ggml.model", "llama")
        .put("tokenizer.ggml.tokens", pieces)
        .put("tokenizer.ggml.scores", scores)
        .put("tokenizer.ggml.token_type", types)
        .put("tokenizer.ggml.bos_token_id", 0)
        .put("tokenizer.ggml.eos_token_id", 1)
        .put("tokenizer.ggml.unknown_token_id", 0)
        .put("tokenizer.ggml.add_bos_token", false)
        .put("tokenizer.ggml.add_space_prefix", false);
  }

  private void addTensors() {
    addMatrix("token_embd.weight", "model.embed_tokens.weight", 0);
    for (int layer = 0; layer < config.layerCount(); layer++) {
      String to = "blk." + layer + ".";
      String from = "model.layers." + layer + ".";
      addVector(to + "attn_norm.weight", from + "input_layernorm.weight");
      addMatrix(to + "attn_q.weight", from + "self_attn.q_proj.weight", config.headDim());
      addMatrix(to + "attn_k.weight", from + "self_attn.k_proj.weight", config.headDim());
      addMatrix(to + "attn_v.weight", from + "self_attn.v_proj.weight", 0);
      addMatrix(to + "attn_output.weight", from + "self_attn.o_proj.weight", 0);
      addVector(to + "ffn_norm.weight", from + "post_attention_layernorm.weight");
      addMatrix(to + "ffn_gate.weight", from + "mlp.gate_proj.weight", 0);
      addMatrix(to + "ffn_up.weight", from + "mlp.up_proj.weight", 0);
      addMatrix(to + "ffn_down.weight", from + "mlp.down_proj.weight", 0);
    }
    addVector("output_norm.weight", "model.norm.weight");
    if (!config.tieWordEmbeddings()) {
      addMatrix("output.weight", "lm_head.weight", 0);
    }
  }

  private void addVector(String to, String from) {
    writer.vector(to, source.tensor(from).toFloats());
  }

  /**
   * @param headDim rows per head to be interleaved; 0 keeps the order
   */
  private void addMatrix(String to, String from, int headDim) {
    TensorView shape = source.describe(from);
    writer.matrix(
        to,
        type,
        shape.rowCount(),
        Math.toIntExact(shape.columnCount()),
        new Rows(source, from, headDim));
  }

  /** Fetches a tensor when its first row is wanted and lets it go after the last. */
  private static final class Rows implements GgufWriter.RowSource {
    private final TensorSource source;
    private final String name;
    private final int headDim;
    private TensorView tensor;

    Rows(TensorSource source, String name, int headDim) {
      this.source = source;
      this.name = name;
      this.headDim = headDim;
    }

    @Override
    public void read(long row, float[] target) {
      if (tensor == null) {
        tensor = source.tensor(name);
      }
      tensor.copyTo(halfSplitRow(row) * target.length, target, 0, target.length);
      if (row == tensor.rowCount() - 1) {
        tensor = null;
      }
    }

    private long halfSplitRow(long row) {
      if (headDim == 0) {
        return row;
      }
      long inHead = row % headDim;
      return row - inHead + inHead % 2 * (headDim / 2) + inHead / 2;
    }
  }
}
