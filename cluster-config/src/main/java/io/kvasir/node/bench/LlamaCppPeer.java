package io.kvasir.node.bench;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaIterator;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.gguf.GgufType;
import io.kvasir.runtime.checkpoint.gguf.LlamaGguf;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** llama.cpp through its Java binding, as the main class of a peer process. */
final class LlamaCppPeer implements BenchEngine {
  private final LlamaModel model;
  private final int vocabulary;

  private LlamaCppPeer(Path gguf, int vocabulary, int threads, int contextTokens, int slots) {
    this.vocabulary = vocabulary;
    model =
        new LlamaModel(
            new ModelParameters()
                .setModel(gguf.toString())
                .setThreads(threads)
                .setThreadsBatch(threads)
                // Shared out evenly among the slots.
                .setCtxSize(slots * contextTokens)
                .setParallel(slots)
                .enableContBatching()
                .disableLog());
  }

  /**
   * Arguments: model location, F16 or Q8_0, folder for files, threads, context of each slot, slots.
   */
  public static void main(String[] args) throws Exception {
    PeerServer.serve(
        () -> {
          Path folder = Files.createDirectories(Path.of(args[2]));
          GgufType type = GgufType.valueOf(args[1]);
          try (Checkpoint checkpoint = Checkpoint.open(args[0])) {
            String fileName = checkpoint.revision() + "-" + type + ".gguf";
            Path gguf = folder.resolve(fileName);
            if (!Files.exists(gguf)) {
              LlamaGguf.export(checkpoint.config(), checkpoint.tensors(), type, gguf);
            }
            return new LlamaCppPeer(
                gguf,
                checkpoint.config().vocabSize(),
                Integer.parseInt(args[3]),
                Integer.parseInt(args[4]),
                Integer.parseInt(args[5]));
          }
        });
  }

  @Override
  public Timing generate(int promptTokens, int generatedTokens, long seed) {
    long start = System.nanoTime();
    int[] prompt = BenchEngine.prompt(promptTokens, vocabulary, seed);
    LlamaIterator tokens = model.generate(request(prompt, generatedTokens)).iterator();
    tokens.next();
    long first = System.nanoTime();
    int count = 1;
    while (tokens.hasNext() && count < generatedTokens) {
      tokens.next();
      count++;
    }
    long last = System.nanoTime();
    while (tokens.hasNext()) {
      tokens.next();
    }
    return new Timing((first - start) / 1e9, (count - 1) * 1e9 / (last - first), -1);
  }

  @Override
  public Map<String, Object> load(int clients, double rampSeconds, double windowSeconds, long seed)
      throws Exception {
    return new LlamaCppLoad(
            new ServingMix(seed, vocabulary),
            rampSeconds,
            windowSeconds,
            (mix, index) ->
                model
                    .generate(request(mix.prompt(index, 0), mix.lengths(index).answer()))
                    .iterator())
        .run(clients);
  }

  @SuppressWarnings("unchecked")
  private static InferenceParameters request(int[] prompt, int generatedTokens) {
    InferenceParameters request =
        new InferenceParameters("")
            .setNPredict(generatedTokens)
            .setTemperature(0)
            .setIgnoreEos(true)
            .setCachePrompt(false);
    try {
      // The binding offers text only; its server takes ids in the same place.
      Field field = request.getClass().getSuperclass().getDeclaredField("parameters");
      field.setAccessible(true);
      ((Map<String, String>) field.get(request)).put("prompt", Arrays.toString(prompt));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("the llama binding changed: no JsonParameters.parameters", e);
    }
    return request;
  }

  @Override
  public void close() {
    model.close();
  }
}
