package io.kvasir.runtime.reference;

import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.DType;
import io.kvasir.runtime.checkpoint.TinyCheckpoints;
import io.kvasir.runtime.checkpoint.gguf.GgufType;
import io.kvasir.runtime.checkpoint.gguf.LlamaGguf;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A small llama checkpoint that every reference can express: untied, no biases, no rope scaling.
 * Written both as a Hugging Face folder and as an f32 GGUF with equal weights.
 */
public record PlainLlama(Path folder, Path gguf) {
  public static final int VOCABULARY = 320;

  public static PlainLlama write(Path dir, long seed) throws IOException {
    String configJson =
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 320,
         "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
         "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "max_position_embeddings": 512,
         "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2,
         "torch_dtype": "float32"}
        """;
    Path folder = TinyCheckpoints.write(dir.resolve("hf"), configJson, seed, DType.F32, 0);
    Path gguf = dir.resolve("model.gguf");
    try (Checkpoint checkpoint = Checkpoint.open(folder.toString())) {
      LlamaGguf.export(checkpoint.config(), checkpoint.tensors(), GgufType.F32, gguf);
    }
    return new PlainLlama(folder, gguf);
  }
}
