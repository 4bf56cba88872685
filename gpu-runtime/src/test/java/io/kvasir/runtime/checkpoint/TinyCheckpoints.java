package io.kvasir.runtime.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Small random checkpoints in the published layout, one shape per family, each with the feature
 * that makes the family special. For tests of everything that reads or runs a model.
 */
public final class TinyCheckpoints {
  /** All families that {@link #write} knows. */
  public static final List<String> FAMILIES = List.of("llama", "mistral", "qwen2", "qwen3", "phi3");

  /**
   * @param dtype type of the stored tensors
   * @param shardBytes largest shard, 0 = one file
   * @param tied share embedding and output; null = as {@link #configJson} has it for the family
   */
  public record Options(DType dtype, long shardBytes, Boolean tied) {
    public static Options defaults() {
      return new Options(DType.F32, 0, null);
    }

    public Options dtype(DType other) {
      return new Options(other, shardBytes, tied);
    }

    public Options shardBytes(long other) {
      return new Options(dtype, other, tied);
    }

    public Options tied(boolean other) {
      return new Options(dtype, shardBytes, other);
    }
  }

  private TinyCheckpoints() {}

  public static Path write(Path dir, String family, long seed) throws IOException {
    return write(dir, family, seed, Options.defaults());
  }

  /** Writes a complete folder (config, weights, tokenizer, template, defaults) and returns it. */
  public static Path write(Path dir, String family, long seed, Options options) throws IOException {
    String configJson = configJson(family);
    if (options.tied() != null) {
      configJson =
          configJson.replaceFirst(
              "\"tie_word_embeddings\": (true|false)",
              "\"tie_word_embeddings\": " + options.tied());
    }
    return write(dir, configJson, seed, options.dtype(), options.shardBytes());
  }

  /** The same for any config.json. */
  public static Path write(Path dir, String configJson, long seed, DType dtype, long shardBytes)
      throws IOException {
    ModelConfig config =
        ModelConfig.parse(configJson.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    CheckpointWriter writer =
        new CheckpointWriter(dir)
            .file("config.json", configJson)
            .file("tokenizer.json", TinyTokenizers.byteLevel(config.vocabSize()))
            .file("tokenizer_config.json", TinyTokenizers.CONFIG)
            .file("generation_config.json", "{\"temperature\": 0.7, \"eos_token_id\": [2]}");
    Random random = new Random(seed);
    for (TensorSpec spec : ModelTensors.expected(config)) {
      writer.tensor(spec.name(), dtype, values(spec, random), spec.shape());
    }
    if (shardBytes > 0) {
      writer.finishSharded(shardBytes);
    } else {
      writer.finish();
    }
    return dir;
  }

  private static float[] values(TensorSpec spec, Random random) {
    long[] shape = spec.shape();
    boolean norm = spec.name().endsWith("norm.weight");
    // Large enough that every part of the model shows in the logits.
    double scale = norm ? 0.2 : shape.length == 1 ? 0.3 : 1.2 / Math.sqrt(shape[1]);
    float[] out = new float[(int) TensorView.elementCount(shape)];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) ((norm ? 1 : 0) + scale * random.nextGaussian());
    }
    return out;
  }

  /** The config.json of a family's tiny shape; vocabulary 320, hidden 64, 3 or 4 layers. */
  public static String configJson(String family) {
    return switch (family) {
      case "llama" ->
          """
          {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 320,
           "hidden_size": 64, "intermediate_size": 144, "num_hidden_layers": 3,
           "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
           "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "max_position_embeddings": 2048,
           "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
             "high_freq_factor": 4.0, "original_max_position_embeddings": 64},
           "tie_word_embeddings": true, "attention_bias": false, "mlp_bias": false,
           "bos_token_id": 1, "eos_token_id": [2], "torch_dtype": "float32"}
          """;
      case "mistral" ->
          """
          {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "vocab_size": 320,
           "hidden_size": 64, "intermediate_size": 144, "num_hidden_layers": 3,
           "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 24,
           "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
           "sliding_window": 12, "max_position_embeddings": 2048, "tie_word_embeddings": false,
           "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
          """;
      case "qwen2" ->
          """
          {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": 320,
           "hidden_size": 64, "intermediate_size": 144, "num_hidden_layers": 4,
           "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
           "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "use_sliding_window": true,
           "sliding_window": 10, "max_window_layers": 2, "max_position_embeddings": 2048,
           "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2,
           "torch_dtype": "float32"}
          """;
      case "qwen3" ->
          """
          {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 320,
           "hidden_size": 64, "intermediate_size": 144, "num_hidden_layers": 3,
           "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
           "hidden_act": "silu", "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
           "attention_bias": false, "sliding_window": null, "use_sliding_window": false,
           "max_position_embeddings": 2048, "tie_word_embeddings": true, "bos_token_id": 1,
           "eos_token_id": 2, "torch_dtype": "float32"}
          """;
      case "phi3" ->
          """
          {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "vocab_size": 320,
           "hidden_size": 64, "intermediate_size": 144, "num_hidden_layers": 3,
           "num_attention_heads": 4, "num_key_value_heads": 4, "hidden_act": "silu",
           "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "partial_rotary_factor": 0.75,
           "sliding_window": 16, "max_position_embeddings": 256,
           "original_max_position_embeddings": 64,
           "rope_scaling": {"type": "longrope",
             "short_factor": [1.0, 1.02, 1.05, 1.1, 1.2, 1.3],
             "long_factor": [1.1, 1.4, 2.0, 3.5, 6.0, 12.0]},
           "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": [2],
           "torch_dtype": "float32"}
          """;
      default -> throw new IllegalArgumentException("no tiny shape for " + family);
    };
  }
}
