package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Documented OpenAI fields that this node does not serve. A value that asks for nothing (n = 1, a
 * penalty of 0, an empty list) passes, because many clients send it; any other is refused by name.
 */
final class UnservedFields {
  /** Of a nested object: none, so that every other name is unknown. */
  static final UnservedFields NONE = new UnservedFields(Map.of());

  /** Of stream_options. */
  static final UnservedFields STREAM_OPTIONS =
      new UnservedFields(Map.of("include_obfuscation", List.of("false")));

  /** Of both endpoints. */
  private static final Map<String, List<String>> COMMON =
      Map.of(
          "n", List.of("1"),
          "frequency_penalty", List.of("0", "0.0"),
          "presence_penalty", List.of("0", "0.0"),
          "repetition_penalty", List.of("1", "1.0"),
          "logit_bias", List.of("{}"));

  /** Of /v1/completions. */
  static final UnservedFields COMPLETIONS =
      new UnservedFields(
          with(
              Map.of(
                  "best_of", List.of("1"),
                  "echo", List.of("false"),
                  "logprobs", List.of(),
                  "suffix", List.of("\"\""))));

  /** Of /v1/chat/completions. */
  static final UnservedFields CHAT =
      new UnservedFields(
          with(
              Map.ofEntries(
                  Map.entry("audio", List.of()),
                  Map.entry("function_call", List.of("\"none\"", "\"auto\"")),
                  Map.entry("functions", List.of("[]")),
                  Map.entry("logprobs", List.of("false")),
                  Map.entry("metadata", List.of("{}")),
                  Map.entry("modalities", List.of("[\"text\"]")),
                  Map.entry("parallel_tool_calls", List.of("true", "false")),
                  Map.entry("prediction", List.of()),
                  Map.entry("prompt_cache_key", List.of()),
                  Map.entry("prompt_cache_retention", List.of()),
                  Map.entry("reasoning_effort", List.of()),
                  Map.entry("response_format", List.of("{\"type\":\"text\"}")),
                  Map.entry("safety_identifier", List.of()),
                  Map.entry("service_tier", List.of("\"auto\"", "\"default\"")),
                  Map.entry("store", List.of("false")),
                  Map.entry("tool_choice", List.of("\"none\"", "\"auto\"")),
                  Map.entry("tools", List.of("[]")),
                  Map.entry("top_logprobs", List.of("0")),
                  Map.entry("verbosity", List.of()),
                  Map.entry("web_search_options", List.of()))));

  private final Map<String, List<String>> neutral;

  private UnservedFields(Map<String, List<String>> neutral) {
    this.neutral = neutral;
  }

  private static Map<String, List<String>> with(Map<String, List<String>> own) {
    Map<String, List<String>> all = new TreeMap<>(COMMON);
    all.putAll(own);
    return all;
  }

  boolean knows(String name) {
    return neutral.containsKey(name);
  }

  boolean isNeutral(String name, JsonNode value) {
    return neutral.get(name).contains(value.toString());
  }

  String remedy(String name) {
    List<String> values = neutral.get(name);
    return values.isEmpty() ? "remove it" : "remove it or send " + String.join(" or ", values);
  }
}
