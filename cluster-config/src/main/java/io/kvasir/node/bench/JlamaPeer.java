package io.kvasir.node.bench;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.llama.LlamaConfig;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.TensorShape;
import com.github.tjake.jlama.util.JsonSupport;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import io.kvasir.runtime.checkpoint.Checkpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Jlama, as the main class of a peer process. */
final class JlamaPeer implements BenchEngine {
  private final LlamaModel model;
  private final KvBufferCache caches;

  private JlamaPeer(Path folder, DType quantised) throws Exception {
    LlamaConfig config =
        JsonSupport.om.readValue(folder.resolve("config.json").toFile(), LlamaConfig.class);
    // No tokenizer: prompts are token ids.
    model =
        new LlamaModel(
            config,
            SafeTensorSupport.loadWeights(folder.toFile()),
            null,
            DType.F32,
            quantised,
            Optional.empty());
    caches = new KvBufferCache(model);
  }

  /** Arguments: model location, BF16 or I8, folder for files, threads. */
  public static void main(String[] args) throws Exception {
    PeerServer.serve(
        () -> {
          PhysicalCoreExecutor.overrideThreadCount(Integer.parseInt(args[3]));
          Path folder = Path.of(args[2]);
          try (Checkpoint checkpoint = Checkpoint.open(args[0])) {
            Path exported = folder.resolve(checkpoint.revision() + "-hf");
            if (!Files.exists(exported.resolve("model.safetensors"))) {
              CheckpointExport.write(checkpoint, exported);
            }
            return new JlamaPeer(exported, DType.valueOf(args[1]));
          }
        });
  }

  @Override
  public Timing generate(int promptTokens, int generatedTokens, long seed) {
    int[] prompt = BenchEngine.prompt(promptTokens, model.getConfig().vocabularySize, seed);
    int vocabulary = model.getConfig().vocabularySize;
    try (KvBufferCache.KvBuffer cache = caches.getEphemeralKvBuffer();
        AbstractTensor<?, ?> logits = model.makeDenseTensor(TensorShape.of(1, vocabulary))) {
      long start = System.nanoTime();
      AbstractTensor<?, ?> rows = model.batchForward(prompt, 0, cache);
      AbstractTensor<?, ?> last = rows.slice(rows.shape().first() - 1);
      int token = model.sample(last, 0f, 0f, logits);
      rows.close();
      long first = System.nanoTime();
      for (int i = 1; i < generatedTokens; i++) {
        AbstractTensor<?, ?> row =
            model.forward(token, promptTokens + i - 1, cache, Optional.empty());
        token = model.sample(row, 0f, 0f, logits);
        row.close();
      }
      long end = System.nanoTime();
      return new Timing(
          (first - start) / 1e9, (generatedTokens - 1) * 1e9 / (end - first), promptTokens);
    }
  }

  @Override
  public void close() {
    ((AbstractModel) model).close();
  }
}
