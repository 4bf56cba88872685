package io.kvasir.runtime.engine;

import java.util.List;

/**
 * How tokens are drawn and when generation ends.
 *
 * @param temperature 0 = greedy
 * @param topP nucleus, in (0, 1]; 1 = off
 * @param topK 0 = off
 * @param minP relative floor, in [0, 1]; 0 = off
 * @param seed null: drawn at admission
 * @param maxTokens at least 1
 * @param minTokens stop rules are ignored before that many tokens
 * @param stopIds token ids that end generation (not emitted as text), end-of-sequence included
 * @param stopStrings strings that end generation; matched on decoded text
 */
public record SamplingParameters(
    float temperature,
    float topP,
    int topK,
    float minP,
    Long seed,
    int maxTokens,
    int minTokens,
    List<Integer> stopIds,
    List<String> stopStrings) {
  public SamplingParameters {
    stopIds = List.copyOf(stopIds);
    stopStrings = List.copyOf(stopStrings);
    require(
        temperature >= 0 && temperature <= 100, "temperature", temperature, "between 0 and 100");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    require(topK >= 0, "top_k", topK, "0 (off) or more");
    require(minP >= 0 && minP <= 1, "min_p", minP, "between 0 and 1");
    require(maxTokens >= 1, "max_tokens", maxTokens, "at least 1");
    require(
        minTokens >= 0 && minTokens <= maxTokens,
        "min_tokens",
        minTokens,
        "between 0 and max_tokens=" + maxTokens);
  }

  private static void require(boolean valid, String name, Object value, String bound) {
    if (!valid) {
      throw new IllegalArgumentException(name + "=" + value + " must be " + bound);
    }
  }

  /** Greedy decoding of at most {@code maxTokens}, ending at {@code stopIds}. */
  public static SamplingParameters greedy(int maxTokens, List<Integer> stopIds) {
    return new SamplingParameters(0f, 1f, 0, 0f, null, maxTokens, 0, stopIds, List.of());
  }
}
