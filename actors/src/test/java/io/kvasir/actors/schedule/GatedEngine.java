package io.kvasir.actors.schedule;

import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.TokenPath;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A real engine that stands still when an answer has come to a place, until the test lets it go on:
 * so a test knows that answers are in the middle, however fast or slow the machine is.
 */
final class GatedEngine implements GenerationEngine {
  /** What the test does with an engine. */
  static final class Gate implements LogitAdjuster {
    private volatile int heldAt = Integer.MAX_VALUE;
    private volatile CountDownLatch open = new CountDownLatch(0);
    private volatile CountDownLatch begun = new CountDownLatch(0);

    /** Stands still before the token of this index, and before the first until {@link #begin}. */
    void holdAt(int index) {
      heldAt = index;
      open = new CountDownLatch(1);
      begun = new CountDownLatch(1);
    }

    /** Everything was ordered. */
    void begin() {
      begun.countDown();
    }

    /** Goes on for good. */
    void release() {
      begun.countDown();
      open.countDown();
    }

    @Override
    public void adjust(float[] logits, int offset, int vocabSize, TokenPath path) {
      await(begun);
      if (path.length() - path.promptLength() >= heldAt) {
        await(open);
      }
    }

    private static void await(CountDownLatch latch) {
      try {
        if (!latch.await(60, TimeUnit.SECONDS)) {
          throw new AssertionError("the test did not let the engine go on within 60 s");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private final GenerationEngine engine;
  private final Gate gate;

  GatedEngine(GenerationEngine engine, Gate gate) {
    this.engine = engine;
    this.gate = gate;
  }

  @Override
  public Refusal submit(GenerationRequest request) {
    if (request.stream().pooled() != null) {
      return engine.submit(request);
    }
    List<LogitAdjuster> adjusters = new ArrayList<>(request.adjusters());
    adjusters.add(gate);
    return engine.submit(
        new GenerationRequest(
            request.id(),
            request.tenant(),
            request.promptTokens(),
            request.sampling(),
            request.timeoutNs(),
            request.promptLogitRows(),
            adjusters,
            request.streams(),
            request.pins(),
            request.loaded()));
  }

  @Override
  public void cancel(long requestId) {
    engine.cancel(requestId);
  }

  @Override
  public void cancel(long requestId, int choice) {
    engine.cancel(requestId, choice);
  }

  @Override
  public DeviceBlocks blocks() {
    return engine.blocks();
  }

  @Override
  public EngineStats stats() {
    return engine.stats();
  }

  @Override
  public int maxContextTokens() {
    return engine.maxContextTokens();
  }

  @Override
  public int hiddenSize() {
    return engine.hiddenSize();
  }

  @Override
  public int vocabSize() {
    return engine.vocabSize();
  }

  @Override
  public String fingerprint() {
    return engine.fingerprint();
  }

  @Override
  public void close() {
    engine.close();
  }
}
