package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Clock;
import java.util.Optional;

/** The parts of tokenizer_config.json that a chat template needs. */
final class TokenizerConfig {
  static final String FILE = "tokenizer_config.json";
  static final String TEMPLATE_FILE = "chat_template.jinja";

  private TokenizerConfig() {}

  /**
   * The template of the file chat_template.jinja if given, else {@code chat_template}: a string, or
   * a list of {@code {name, template}} whose {@code default} is taken.
   */
  static Optional<ChatTemplate> chatTemplate(JsonNode config, Optional<String> file) {
    String bos = tokenText(config.path("bos_token"));
    String eos = tokenText(config.path("eos_token"));
    return file.or(() -> inConfig(config.path("chat_template")))
        .map(source -> new ChatTemplate(source, bos, eos, Clock.systemDefaultZone()));
  }

  private static Optional<String> inConfig(JsonNode node) {
    if (node.isTextual()) {
      return Optional.of(node.textValue());
    }
    for (JsonNode named : node) {
      if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
        return Optional.of(named.path("template").textValue());
      }
    }
    return Optional.empty();
  }

  /** A token is written as its text or as an object that holds it. */
  private static String tokenText(JsonNode node) {
    return node.isTextual() ? node.textValue() : node.path("content").asText("");
  }
}
