package io.kvasir.chaos.local;

/**
 * A model of random weights, small enough for several in one JVM.
 *
 * @param config its config.json
 * @param arenaBytes of the device's cache
 */
public record LocalModel(String config, long arenaBytes) {
  /** As clients name it. */
  public static final String ID = "small";

  /** Tokens a block. */
  public static final int SLOTS = 16;

  /** Two layers of full attention: one layer group. */
  public static final LocalModel PLAIN =
      new LocalModel(
          """
          {"model_type": "llama", "vocab_size": 259, "hidden_size": 64, "intermediate_size": 128,
           "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
           "head_dim": 16, "rms_norm_eps": 1e-5, "rope_theta": 10000,
           "max_position_embeddings": 1024, "tie_word_embeddings": false,
           "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
          """,
          8 << 20);

  /** Two layers of full attention and two that see the last 40 tokens: two layer groups. */
  public static final LocalModel GROUPED =
      new LocalModel(
          """
          {"model_type": "qwen2", "vocab_size": 259, "hidden_size": 64, "intermediate_size": 128,
           "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
           "rms_norm_eps": 1e-6, "rope_theta": 10000, "use_sliding_window": true,
           "sliding_window": 40, "max_window_layers": 2,
           "max_position_embeddings": 1024, "tie_word_embeddings": false,
           "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
          """,
          8 << 20);

  /** The same with another size of the cache. */
  public LocalModel withArena(long bytes) {
    return new LocalModel(config, bytes);
  }

  /** A prompt of its own for each salt. */
  public static int[] prompt(int tokens, int salt) {
    int[] prompt = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      prompt[i] = 3 + Math.floorMod(i * 31 + salt * 17 + i * i % 7 * salt, 250);
    }
    return prompt;
  }
}
