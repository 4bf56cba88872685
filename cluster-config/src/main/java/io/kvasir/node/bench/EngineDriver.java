package io.kvasir.node.bench;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenStream;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Puts prompts to an engine of this process and takes the time. For one thread. */
final class EngineDriver {
  /** Far from the ids that a node gives to its own requests. */
  private static final long FIRST_ID = 1L << 40;

  private final GenerationEngine engine;
  private final int vocabulary;
  private final int layerCount;
  private long nextId = FIRST_ID;

  EngineDriver(GenerationEngine engine, int vocabulary, int layerCount) {
    this.engine = engine;
    this.vocabulary = vocabulary;
    this.layerCount = layerCount;
  }

  BenchEngine.Timing generate(int promptTokens, int generatedTokens, long seed) {
    long start = System.nanoTime();
    TokenStream stream = submit(promptTokens, generatedTokens, seed);
    awaitFirst(stream);
    long first = System.nanoTime();
    awaitEnd(stream);
    long last = System.nanoTime();
    double rate = generatedTokens == 1 ? Double.NaN : (generatedTokens - 1) * 1e9 / (last - first);
    long rows = stream.usage().rowLayersComputed() / layerCount - (generatedTokens - 1);
    return new BenchEngine.Timing((first - start) / 1e9, rate, (int) rows);
  }

  /** Generated tokens a second over all sequences, from the first submission to the last end. */
  double batchTokensPerSecond(int batch, int promptTokens, int generatedTokens, long seed) {
    long start = System.nanoTime();
    TokenStream[] streams = submitBatch(batch, promptTokens, generatedTokens, seed);
    awaitEnds(streams);
    return batch * generatedTokens * 1e9 / (System.nanoTime() - start);
  }

  /**
   * Decoded tokens a second over all sequences, from the moment when each has its first token: what
   * {@link BenchEngine.Timing#decodeTokensPerSecond} is for one sequence.
   */
  double batchDecodeTokensPerSecond(int batch, int promptTokens, int generatedTokens, long seed) {
    TokenStream[] streams = submitBatch(batch, promptTokens, generatedTokens, seed);
    for (TokenStream stream : streams) {
      awaitFirst(stream);
    }
    long start = System.nanoTime();
    long before = 0;
    for (TokenStream stream : streams) {
      before += stream.published();
    }
    awaitEnds(streams);
    return ((long) batch * generatedTokens - before) * 1e9 / (System.nanoTime() - start);
  }

  private TokenStream[] submitBatch(int batch, int promptTokens, int generatedTokens, long seed) {
    TokenStream[] streams = new TokenStream[batch];
    for (int b = 0; b < batch; b++) {
      streams[b] = submit(promptTokens, generatedTokens, seed + b);
    }
    return streams;
  }

  private static void awaitEnds(TokenStream[] streams) {
    for (TokenStream stream : streams) {
      awaitEnd(stream);
    }
  }

  private TokenStream submit(int promptTokens, int generatedTokens, long seed) {
    Thread consumer = Thread.currentThread();
    TokenStream stream = new TokenStream(generatedTokens, 0, () -> LockSupport.unpark(consumer));
    GenerationEngine.Refusal refusal =
        engine.submit(
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
  private static void awaitFirst(TokenStream stream) {
    while (stream.published() == 0 && stream.finishReason() == null) {
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
}
