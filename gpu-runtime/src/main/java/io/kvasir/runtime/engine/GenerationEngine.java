package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.DeviceBlocks;

/**
 * What the rest of the system sees of an engine. All methods are safe from any thread and never
 * block.
 */
public interface GenerationEngine extends AutoCloseable {
  /**
   * Hands over a request. Its pins belong to the engine from here on, also when it is refused.
   *
   * @return null if queued; otherwise why it was refused (queue full, context overflow, …)
   */
  Refusal submit(GenerationRequest request);

  /**
   * Asks for a request to end; its {@link TokenStream} finishes with {@link
   * FinishReason#CANCELLED}. Unknown ids are ignored.
   */
  void cancel(long requestId);

  /**
   * Asks for one choice of a request to end; the others go on. Choice 0 of a request whose prompt
   * is not computed yet ends when it is, because the others share it.
   */
  void cancel(long requestId, int choice);

  /**
   * From the next step on, says when the wake-ups of a step begin and end. An engine that does not
   * compute in steps never says so.
   */
  default void wakeTogether(StepWakeups wakeups) {}

  /** A recent snapshot of counters and gauges. */
  EngineStats stats();

  /** Longest sequence (prompt and answer) that the model and the arena allow. */
  int maxContextTokens();

  /** Values of an embedding. */
  int hiddenSize();

  /** Length of a row of logits; every token id is below it. */
  int vocabSize();

  /**
   * Names what decides the tokens beside the request itself: model, weights, arithmetic. Two
   * engines of one fingerprint answer the same request with the same seed alike.
   */
  String fingerprint();

  /**
   * The cached blocks of its device, for tiers and peers; null when the model keeps recurrent
   * states, which are no function of blocks.
   */
  DeviceBlocks blocks();

  /** Stops the loop; running requests finish with {@link FinishReason#CANCELLED}. */
  @Override
  void close();

  /**
   * A refused request.
   *
   * @param retryable true when the same request may pass later (the queue was full)
   */
  record Refusal(Code code, String message, boolean retryable) {
    /** Why. */
    public enum Code {
      QUEUE_FULL,
      CONTEXT_OVERFLOW,
      INVALID,
      CLOSED
    }
  }
}
