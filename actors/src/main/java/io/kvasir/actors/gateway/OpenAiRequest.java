package io.kvasir.actors.gateway;

import java.time.Duration;
import java.util.List;

/**
 * A request as the client wrote it, types checked, nothing defaulted (null = not given).
 *
 * @param prompt what to continue
 * @param timeout asked for in {@code kvasir.timeout_ms}
 */
record OpenAiRequest(
    String model,
    Prompt prompt,
    Integer maxTokens,
    String maxTokensField,
    Integer minTokens,
    Double temperature,
    Double topP,
    Integer topK,
    Double minP,
    Long seed,
    List<String> stop,
    List<Integer> stopTokenIds,
    boolean stream,
    boolean includeUsage,
    Duration timeout) {

  /** The three ways to say what to continue. */
  sealed interface Prompt {}

  /** Rendered by the chat template. */
  record Chat(List<ChatMessage> messages) implements Prompt {}

  /** Tokenised as it is. */
  record Text(String text) implements Prompt {}

  /** Used as they are. */
  record Ids(int[] tokens) implements Prompt {}
}
