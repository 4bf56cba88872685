package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Documented OpenAI fields that this node does not serve. A value that asks for nothing (store =
 * false, an empty list of tools) passes, because many clients send it; any other is refused by
 * name.
 */
final class UnservedFields {
  /** Of a nested object: none, so that every other name is unknown. */
  static final UnservedFields NONE = new UnservedFields(Map.of());

  /** Of stream_options. */
  static final UnservedFields STREAM_OPTIONS =
      new UnservedFields(Map.of("include_obfuscation", List.of("false")));

  /** Of a message. */
  static final UnservedFields MESSAGE =
      new UnservedFields(
          Map.of(
              "name", List.of(),
              "refusal", List.of("\"\""),
              "audio", List.of(),
              "function_call", List.of(),
              "tool_call_id", List.of(),
              "tool_calls", List.of("[]")));

  /** Of structured_outputs. */
  static final UnservedFields STRUCTURED_OUTPUTS =
      new UnservedFields(
          Map.of(
              "grammar", List.of(),
              "structural_tag", List.of(),
              "disable_any_whitespace", List.of("false"),
              "disable_additional_properties", List.of("false"),
              "disable_fallback", List.of("true", "false"),
              "whitespace_pattern", List.of()));

  /** Of both endpoints: vLLM's, with the values that its clients send without a meaning here. */
  private static final Map<String, List<String>> COMMON =
      Map.of(
          "guided_grammar", List.of(),
          "guided_decoding_backend", List.of(),
          "guided_whitespace_pattern", List.of(),
          "length_penalty", List.of("1", "1.0"),
          "skip_special_tokens", List.of("true"),
          "spaces_between_special_tokens", List.of("true"),
          "truncate_prompt_tokens", List.of(),
          "use_beam_search", List.of("false"));

  /** Of /v1/completions. */
  static final UnservedFields COMPLETIONS =
      new UnservedFields(
          with(
              Map.of(
                  "add_special_tokens", List.of("true"),
                  "suffix", List.of("\"\""))));

  /** Of /v1/chat/completions. */
  static final UnservedFields CHAT =
      new UnservedFields(
          with(
              Map.ofEntries(
                  Map.entry("add_generation_prompt", List.of("true")),
                  Map.entry("audio", List.of()),
                  Map.entry("echo", List.of("false")),
                  Map.entry("function_call", List.of("\"none\"", "\"auto\"")),
                  Map.entry("functions", List.of("[]")),
                  Map.entry("modalities", List.of("[\"text\"]")),
                  Map.entry("parallel_tool_calls", List.of("true", "false")),
                  Map.entry("prediction", List.of()),
                  Map.entry("prompt_cache_retention", List.of()),
                  Map.entry("reasoning_effort", List.of("\"none\"")),
                  Map.entry("store", List.of("false")),
                  Map.entry("tool_choice", List.of("\"none\"", "\"auto\"")),
                  Map.entry("tools", List.of("[]")),
                  Map.entry("verbosity", List.of("\"medium\"")),
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
