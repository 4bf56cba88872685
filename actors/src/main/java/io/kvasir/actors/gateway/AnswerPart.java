package io.kvasir.actors.gateway;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;

/** An answer on its way to a client: texts, then one end. */
sealed interface AnswerPart {
  /** Never empty. */
  record Text(String delta) implements AnswerPart {}

  /**
   * The end.
   *
   * @param completionTokens up to and including the one that met a stop
   * @param usage the engine's accounting
   * @param failure the sentence of ERROR, otherwise null
   */
  record End(FinishReason reason, int completionTokens, Usage usage, String failure)
      implements AnswerPart {
    /** Throws what a client is to be told, when the answer did not end well. */
    void orThrow() {
      switch (reason) {
        case STOP, LENGTH -> {}
        case DEADLINE ->
            throw ApiException.failed(
                504,
                "deadline_exceeded",
                "the request was not finished within its deadline after %d tokens, ask for fewer tokens or raise kvasir.timeout_ms"
                    .formatted(completionTokens));
        case CANCELLED ->
            throw ApiException.unavailable(
                "cancelled", "the request was cancelled because the node is stopping, try again");
        case ERROR ->
            throw ApiException.failed(
                500,
                "engine_error",
                failure == null ? "the engine failed this request, see the node's log" : failure);
      }
    }
  }
}
