package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;
import java.util.concurrent.CompletionStage;

/** One input that a device of this node or of another one has taken. Safe from any thread. */
public interface Embedding {
  /**
   * What became of it.
   *
   * @param vector of length 1, [hiddenSize]; null unless the reason is STOP
   * @param failure the sentence of {@link FinishReason#ERROR}, otherwise null
   */
  record Result(FinishReason reason, float[] vector, Usage usage, String failure) {}

  /** Completes when it has ended; never fails. */
  CompletionStage<Result> result();

  /** Ends it with CANCELLED. Does nothing after the end. */
  void cancel();
}
