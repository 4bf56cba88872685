package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Serving;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;
import java.util.List;

/**
 * An answer on its way to a client: of each choice texts and one end, then either the whole's
 * accounting or, instead of anything that is still to come, its failure. Choices are counted over
 * all prompts, those of the first prompt first.
 */
sealed interface AnswerPart {
  /**
   * Text of a choice.
   *
   * @param reports of the tokens that make it, if they were asked for; without any, the text is
   *     never empty
   * @param tokenCount tokens of the choice so far
   */
  record Text(int choice, String delta, List<TokenReport> reports, int tokenCount)
      implements AnswerPart {}

  /** A choice ended well. */
  record End(int choice, FinishReason reason) implements AnswerPart {}

  /**
   * All choices have.
   *
   * @param completionTokens of all choices, each up to and including the one that met a stop
   * @param usage the engine's accounting
   * @param serving who answered and how
   * @param explained whether that is to be told at length
   */
  record Done(int completionTokens, Usage usage, Serving serving, boolean explained)
      implements AnswerPart {
    /** What is told at length; null = nothing. */
    OpenAiDocuments.Explanation explanation() {
      return explained ? OpenAiDocuments.explanation(serving) : null;
    }
  }

  /** A choice did not end well, so the answer is none. */
  record Failed(ApiException error) implements AnswerPart {
    /**
     * What a client is to be told.
     *
     * @param sentence the engine's, for ERROR; for CANCELLED why no node could go on
     */
    static Failed of(FinishReason reason, int completionTokens, String sentence) {
      return new Failed(
          switch (reason) {
            case DEADLINE ->
                ApiException.failed(
                    504,
                    "deadline_exceeded",
                    "the request was not finished within its deadline after %d tokens, ask for fewer tokens or raise kvasir.timeout_ms"
                        .formatted(completionTokens));
            case ERROR ->
                ApiException.failed(
                    500,
                    "engine_error",
                    sentence == null
                        ? "the engine failed this request, see the node's log"
                        : sentence);
            case CANCELLED, STOP, LENGTH ->
                sentence == null
                    ? ApiException.unavailable(
                        "cancelled",
                        "the request was cancelled because the node is stopping, try again")
                    : ApiException.unavailable("node_lost", sentence);
          });
    }
  }
}
