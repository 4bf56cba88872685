package io.kvasir.node.chat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How an answer came.
 *
 * @param firstTokenMs from the request to the first text, on the client's clock; NaN when unknown
 * @param tokensPerSecond after the first token; NaN when unknown
 * @param tokens of the answer
 * @param promptTokens −1 when the server gave no usage
 * @param cachedTokens of the prompt, found in a cache
 */
record ChatFigures(
    double firstTokenMs, double tokensPerSecond, int tokens, int promptTokens, int cachedTokens) {

  /**
   * Figures of an answer.
   *
   * @param usage as the server sent it, or missing
   * @param deltas pieces of text, which stand for tokens when there is no usage
   */
  static ChatFigures of(JsonNode usage, int deltas, double firstMs, double lastMs) {
    int tokens = usage.isMissingNode() ? deltas : usage.path("completion_tokens").asInt();
    // The node's clock where it is known: here several tokens may arrive at once.
    JsonNode own = usage.path("kvasir");
    double spentMs =
        own.has("total_ms")
            ? own.path("total_ms").asDouble() - own.path("first_token_ms").asDouble()
            : lastMs - firstMs;
    double rate = tokens > 1 && spentMs > 0 ? (tokens - 1) * 1e3 / spentMs : Double.NaN;
    return new ChatFigures(
        firstMs,
        rate,
        tokens,
        usage.isMissingNode() ? -1 : usage.path("prompt_tokens").asInt(),
        usage.path("prompt_tokens_details").path("cached_tokens").asInt());
  }

  /**
   * One line: {@code 12 tokens · 85 tokens/s · first token 35 ms · prompt 32 of 33 cached (97 %)}.
   */
  String line() {
    List<String> parts = new ArrayList<>();
    parts.add(tokens + (tokens == 1 ? " token" : " tokens"));
    if (!Double.isNaN(tokensPerSecond)) {
      parts.add(number(tokensPerSecond) + " tokens/s");
    }
    if (!Double.isNaN(firstTokenMs)) {
      parts.add("first token " + number(firstTokenMs) + " ms");
    }
    if (promptTokens > 0) {
      long share = Math.round(100.0 * cachedTokens / promptTokens);
      parts.add("prompt " + cachedTokens + " of " + promptTokens + " cached (" + share + " %)");
    }
    return String.join(" · ", parts);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.1f" : "%.0f", value);
  }
}
