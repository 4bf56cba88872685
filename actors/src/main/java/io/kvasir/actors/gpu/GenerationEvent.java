package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;

/**
 * What a generation's stream carries: of each choice any number of {@link Tokens}, then one {@link
 * Finished}. Choices interleave.
 */
public sealed interface GenerationEvent {
  /** Whose it is; 0 is the first. */
  int choice();

  /**
   * Tokens in order; the array belongs to the receiver.
   *
   * @param first index of the first of them in the choice's answer
   */
  record Tokens(int choice, int first, int[] ids) implements GenerationEvent {}

  /**
   * The end of a choice; the stream completes after the last.
   *
   * @param failure the sentence of {@link FinishReason#ERROR}, otherwise null
   */
  record Finished(int choice, FinishReason reason, Usage usage, String failure)
      implements GenerationEvent {}
}
