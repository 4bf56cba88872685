package io.kvasir.node.bench;

import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.engine.EngineConfig;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.LoadedModel;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenStream;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Our own engine in this process, without actors and HTTP. */
final class KvasirEngine implements BenchEngine {
  private static final long ARENA_BYTES = 512L << 20;

  private final LoadedModel model;
  private final WeightFormat format;
  private final int threads;
  private long nextId = 1;

  /**
   * @param location as {@code --model} gives it
   */
  KvasirEngine(String location, WeightFormat format, int threads) {
    this.model =
        LoadedModel.open(EngineConfig.of(location, ARENA_BYTES).threads(threads).weights(format));
    this.format = format;
    this.threads = threads;
  }

  int threads() {
    return threads;
  }

  /** Bytes of weights that one decoded token reads: everything but the embedding's other rows. */
  double weightBytesPerToken() {
    ModelConfig config = model.checkpoint().config();
    long table = config.tieWordEmbeddings() ? 0 : (long) config.vocabSize() * config.hiddenSize();
    double scaleBits = format.quantised() ? 32.0 / WeightFormat.BLOCK : 0;
    return (config.parameterCount() - table) * (format.bits() + scaleBits) / 8;
  }

  @Override
  public Timing generate(int promptTokens, int generatedTokens, long seed) {
    long start = System.nanoTime();
    TokenStream stream = submit(promptTokens, generatedTokens, seed);
    awaitTokens(stream, 1);
    long first = System.nanoTime();
    awaitEnd(stream);
    long last = System.nanoTime();
    double rate = generatedTokens == 1 ? Double.NaN : (generatedTokens - 1) * 1e9 / (last - first);
    return new Timing((first - start) / 1e9, rate, stream.usage().recomputedTokens());
  }

  /**
   * {@code batch} sequences at once whose prompts are already in the cache (an unmeasured pass puts
   * them there): generated tokens a second from submission to the last end.
   */
  double batchTokensPerSecond(int batch, int promptTokens, int generatedTokens, long seed) {
    runBatch(batch, promptTokens, 1, seed);
    long start = System.nanoTime();
    runBatch(batch, promptTokens, generatedTokens, seed);
    return batch * generatedTokens * 1e9 / (System.nanoTime() - start);
  }

  private void runBatch(int batch, int promptTokens, int generatedTokens, long seed) {
    TokenStream[] streams = new TokenStream[batch];
    for (int b = 0; b < batch; b++) {
      streams[b] = submit(promptTokens, generatedTokens, seed + b);
    }
    for (TokenStream stream : streams) {
      awaitEnd(stream);
    }
  }

  private TokenStream submit(int promptTokens, int generatedTokens, long seed) {
    int vocabulary = model.checkpoint().config().vocabSize();
    Thread consumer = Thread.currentThread();
    TokenStream stream = new TokenStream(generatedTokens, 0, () -> LockSupport.unpark(consumer));
    GenerationEngine.Refusal refusal =
        model
            .engine()
            .submit(
                new GenerationRequest(
                    nextId++,
                    "bench",
                    BenchEngine.prompt(promptTokens, vocabulary, seed),
                    SamplingParameters.greedy(generatedTokens, List.of()),
                    0,
                    List.of(),
                    stream));
    if (refusal != null) {
      throw new IllegalStateException("the engine refused: " + refusal.message());
    }
    return stream;
  }

  /** Leaves tokens unconsumed, so that the stream wakes this thread once and then at its end. */
  private static void awaitTokens(TokenStream stream, int count) {
    while (stream.published() < count && stream.finishReason() == null) {
      LockSupport.park(stream);
    }
  }

  private static void awaitEnd(TokenStream stream) {
    while (stream.finishReason() == null) {
      LockSupport.park(stream);
    }
    if (stream.finishReason() != FinishReason.LENGTH) {
      throw new IllegalStateException(
          "a generation ended with " + stream.finishReason() + ": " + stream.failure());
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
