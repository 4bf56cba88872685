package io.kvasir.runtime.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** Published shapes that {@code dummy:NAME} stands in for, each as the config.json it needs. */
public final class DummyModels {
  private static final Map<String, String> CONFIGS = new TreeMap<>();

  static {
    put(
        "bench-150m",
        """
        {"model_type": "llama", "vocab_size": 8192, "hidden_size": 1024, "intermediate_size": 2816,
         "num_hidden_layers": 12, "num_attention_heads": 16, "num_key_value_heads": 4,
         "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000,
         "max_position_embeddings": 4096, "tie_word_embeddings": false,
         "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
        """);
    put(
        "llama-3.2-1b",
        """
        {"model_type": "llama", "vocab_size": 128256, "hidden_size": 2048,
         "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
         "num_key_value_heads": 8, "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 500000,
         "rope_scaling": {"rope_type": "llama3", "factor": 32, "low_freq_factor": 1,
           "high_freq_factor": 4, "original_max_position_embeddings": 8192},
         "max_position_embeddings": 131072, "tie_word_embeddings": true,
         "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009],
         "torch_dtype": "bfloat16"}
        """);
    put(
        "llama-3.1-8b",
        """
        {"model_type": "llama", "vocab_size": 128256, "hidden_size": 4096,
         "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "rms_norm_eps": 1e-5, "rope_theta": 500000,
         "rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
           "high_freq_factor": 4, "original_max_position_embeddings": 8192},
         "max_position_embeddings": 131072, "tie_word_embeddings": false,
         "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009],
         "torch_dtype": "bfloat16"}
        """);
    put(
        "qwen2.5-0.5b",
        """
        {"model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896,
         "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
         "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "rope_theta": 1000000,
         "max_position_embeddings": 32768, "sliding_window": 32768, "max_window_layers": 21,
         "use_sliding_window": false, "tie_word_embeddings": true,
         "bos_token_id": 151643, "eos_token_id": 151645, "torch_dtype": "bfloat16"}
        """);
    put(
        "qwen3-0.6b",
        """
        {"model_type": "qwen3", "vocab_size": 151936, "hidden_size": 1024,
         "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
         "num_key_value_heads": 8, "head_dim": 128, "rms_norm_eps": 1e-6, "rope_theta": 1000000,
         "max_position_embeddings": 40960, "sliding_window": null, "max_window_layers": 28,
         "use_sliding_window": false, "tie_word_embeddings": true,
         "bos_token_id": 151643, "eos_token_id": 151645, "torch_dtype": "bfloat16"}
        """);
    put(
        "mistral-7b",
        """
        {"model_type": "mistral", "vocab_size": 32000, "hidden_size": 4096,
         "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "rms_norm_eps": 1e-5, "rope_theta": 10000,
         "max_position_embeddings": 32768, "sliding_window": 4096, "tie_word_embeddings": false,
         "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
        """);
    put(
        "phi-3-mini",
        """
        {"model_type": "phi3", "vocab_size": 32064, "hidden_size": 3072,
         "intermediate_size": 8192, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000,
         "max_position_embeddings": 4096, "original_max_position_embeddings": 4096,
         "sliding_window": 2047, "tie_word_embeddings": false,
         "bos_token_id": 1, "eos_token_id": 32000, "torch_dtype": "bfloat16"}
        """);
  }

  private DummyModels() {}

  private static void put(String name, String json) {
    CONFIGS.put(name, json);
  }

  /** The config.json bytes of a published shape. */
  public static byte[] configJson(String name) {
    String json = CONFIGS.get(name);
    if (json == null) {
      throw new CheckpointException(
          "dummy:"
              + name
              + " is no known shape, known are "
              + String.join(", ", CONFIGS.keySet())
              + ": choose one or give dummy:PATH/config.json.");
    }
    return json.getBytes(StandardCharsets.UTF_8);
  }
}
