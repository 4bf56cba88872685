package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Directions;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A request as the client wrote it, types and ranges checked; null = not given, so that the model's
 * defaults can fill in.
 *
 * @param prompts what to continue, at least one; several only for text completions
 * @param guide what the answer must look like; null = anything
 * @param serviceTier to be repeated in the answer
 */
record OpenAiRequest(
    String model,
    List<Prompt> prompts,
    Limits limits,
    Draw draw,
    Stops stops,
    Choices choices,
    Report report,
    Guide guide,
    Place place,
    Delivery delivery,
    String serviceTier) {

  boolean isChat() {
    return prompts.getFirst() instanceof Chat;
  }

  /** The three ways to say what to continue. */
  sealed interface Prompt {}

  /** Rendered by the chat template. */
  record Chat(List<ChatMessage> messages) implements Prompt {}

  /** Tokenised as it is. */
  record Text(String text) implements Prompt {}

  /** Used as they are. */
  record Ids(int[] tokens) implements Prompt {}

  /**
   * How long.
   *
   * @param maxTokens of each choice; 0 only with echo: nothing but the prompt is wanted
   * @param maxTokensField the client's name for it
   * @param timeout asked for in {@code kvasir.timeout_ms}
   */
  record Limits(Integer maxTokens, String maxTokensField, Integer minTokens, Duration timeout) {}

  /** How tokens are drawn. */
  record Draw(
      Double temperature,
      Double topP,
      Integer topK,
      Double minP,
      Double typicalP,
      Double repetitionPenalty,
      Double presencePenalty,
      Double frequencyPenalty,
      Map<Integer, Float> logitBias,
      Long seed) {}

  /**
   * What ends a choice beside its length.
   *
   * @param included whether the stop string belongs to the text
   * @param ignoreEos whether end-of-sequence tokens are tokens like others
   */
  record Stops(List<String> strings, List<Integer> ids, boolean included, boolean ignoreEos) {}

  /**
   * How many answers.
   *
   * @param bestOf generated for each prompt, of which the n best are kept; at least n
   */
  record Choices(int n, int bestOf) {}

  /**
   * What is told about tokens.
   *
   * @param logprobs alternatives of each token; −1 = no log-probabilities
   * @param promptLogprobs the same for the prompt's tokens, in vLLM's form
   * @param echo whether the answer begins with the prompt
   */
  record Report(int logprobs, int promptLogprobs, boolean echo) {}

  /**
   * A grammar.
   *
   * @param field that asked for it, to be named when it cannot be compiled
   */
  record Guide(String field, GrammarSpec grammar) {}

  /**
   * Where it is to be computed, and what is told of that.
   *
   * @param session of {@code kvasir.session}, else of {@code prompt_cache_key} or {@code user};
   *     null = none
   * @param explained whether the answer says why that node
   * @param directions of {@code kvasir.node} and {@code kvasir.sources}
   */
  record Place(String session, boolean explained, Directions directions) {}

  /**
   * How the answer comes.
   *
   * @param includeUsage whether the stream ends with an event that carries the accounting
   * @param continuousUsage whether every event carries the counts so far
   */
  record Delivery(boolean stream, boolean includeUsage, boolean continuousUsage) {}
}
