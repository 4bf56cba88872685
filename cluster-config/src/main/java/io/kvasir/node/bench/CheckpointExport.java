package io.kvasir.node.bench;

import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.CheckpointWriter;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.checkpoint.TensorView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a model as a Hugging Face folder for peers that read no other form. */
final class CheckpointExport {
  private CheckpointExport() {}

  /** Takes heap for all weights in f32; the folder appears only when complete. */
  static void write(Checkpoint checkpoint, Path folder) throws IOException {
    Path partial = folder.resolveSibling(folder.getFileName() + ".part");
    CheckpointWriter writer = new CheckpointWriter(partial);
    writer.file("config.json", configJson(checkpoint.config()));
    for (String name : checkpoint.tensors().names()) {
      TensorView tensor = checkpoint.tensors().tensor(name);
      writer.tensor(name, tensor.dtype(), tensor.toFloats(), tensor.shape());
    }
    writer.finish();
    Files.move(partial, folder, StandardCopyOption.ATOMIC_MOVE);
  }

  private static String configJson(ModelConfig config) {
    return """
    {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d,
     "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
     "num_attention_heads": %d, "num_key_value_heads": %d, "hidden_act": "silu",
     "rms_norm_eps": %s, "rope_theta": %s, "max_position_embeddings": %d,
     "tie_word_embeddings": %s, "bos_token_id": 1, "eos_token_id": 2,
     "torch_dtype": "bfloat16"}
    """
        .formatted(
            config.vocabSize(),
            config.hiddenSize(),
            config.intermediateSize(),
            config.layerCount(),
            config.headCount(),
            config.kvHeadCount(),
            config.rmsNormEps(),
            config.rope().theta(),
            config.maxPositionEmbeddings(),
            config.tieWordEmbeddings());
  }
}
