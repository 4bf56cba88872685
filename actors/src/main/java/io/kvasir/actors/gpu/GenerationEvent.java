package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;

/** What a generation's stream carries: any number of {@link Tokens}, then one {@link Finished}. */
public sealed interface GenerationEvent {
  /** Tokens in order; the array belongs to the receiver. */
  record Tokens(int[] ids) implements GenerationEvent {}

  /**
   * The end; the stream completes after it.
   *
   * @param failure the sentence of {@link FinishReason#ERROR}, otherwise null
   */
  record Finished(FinishReason reason, Usage usage, String failure) implements GenerationEvent {}
}
