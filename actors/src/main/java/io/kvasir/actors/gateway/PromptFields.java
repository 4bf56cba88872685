package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.runtime.engine.SamplingParameters;
import java.util.ArrayList;
import java.util.List;

/** The fields that say what to continue: {@code messages} of a chat, {@code prompt} of a text. */
final class PromptFields {
  private static final int MAX_MESSAGES = 16_384;

  private PromptFields() {}

  /** A string, token ids, or an array of either: one prompt or several. */
  static List<OpenAiRequest.Prompt> prompts(RequestFields fields) {
    JsonNode value = fields.get("prompt");
    if (value == null) {
      throw fields.missing("prompt");
    }
    boolean several = value.isArray() && !value.isEmpty() && !value.get(0).isNumber();
    if (!several) {
      return List.of(prompt(fields, "prompt", value));
    }
    if (value.size() > SamplingParameters.MAX_CHOICES) {
      throw ApiException.invalidValue(
          "prompt",
          "prompt holds %d prompts, the limit is %d, send fewer at once"
              .formatted(value.size(), SamplingParameters.MAX_CHOICES));
    }
    List<OpenAiRequest.Prompt> prompts = new ArrayList<>(value.size());
    for (JsonNode each : value) {
      prompts.add(prompt(fields, "prompt", each));
    }
    return prompts;
  }

  private static OpenAiRequest.Prompt prompt(RequestFields fields, String name, JsonNode value) {
    if (value.isTextual()) {
      return new OpenAiRequest.Text(value.textValue());
    }
    int[] ids = fields.ids(name, value);
    if (ids.length == 0) {
      throw ApiException.invalidValue(name, "prompt is empty, send at least one token");
    }
    return new OpenAiRequest.Ids(ids);
  }

  static OpenAiRequest.Chat chat(RequestFields fields) {
    JsonNode value = fields.get("messages");
    if (value == null) {
      throw fields.missing("messages");
    }
    if (!value.isArray()) {
      throw fields.wrongType("messages", value, "an array");
    }
    if (value.isEmpty() || value.size() > MAX_MESSAGES) {
      throw ApiException.invalidValue(
          "messages",
          "messages has %d entries, send between 1 and %d".formatted(value.size(), MAX_MESSAGES));
    }
    List<ChatMessage> messages = new ArrayList<>(value.size());
    for (int i = 0; i < value.size(); i++) {
      messages.add(message(fields, value.get(i), "messages[" + i + "]"));
    }
    return new OpenAiRequest.Chat(messages);
  }

  private static ChatMessage message(RequestFields fields, JsonNode value, String path) {
    if (!(value instanceof ObjectNode object)) {
      throw fields.wrongType(path, value, "an object");
    }
    RequestFields message = new RequestFields(object, path + ".");
    String role = message.requiredText("role");
    String rendered =
        switch (role) {
          case "system", "user", "assistant" -> role;
          // OpenAI's newer name of the same thing.
          case "developer" -> "system";
          default ->
              throw ApiException.invalidValue(
                  path + ".role",
                  "%s.role=%s is not supported, send system, developer, user or assistant"
                      .formatted(path, role.length() <= 40 ? role : role.substring(0, 40)));
        };
    String content = content(message, path);
    message.refuseOthers(UnservedFields.MESSAGE);
    return new ChatMessage(rendered, content);
  }

  private static String content(RequestFields message, String path) {
    JsonNode value = message.get("content");
    if (value == null) {
      throw message.missing("content");
    }
    if (value.isTextual()) {
      return value.textValue();
    }
    if (!value.isArray()) {
      throw message.wrongType("content", value, "a string, or an array of parts,");
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < value.size(); i++) {
      String partPath = path + ".content[" + i + "]";
      if (!(value.get(i) instanceof ObjectNode object)) {
        throw message.wrongType("content[" + i + "]", value.get(i), "an object");
      }
      RequestFields part = new RequestFields(object, partPath + ".");
      String type = part.requiredText("type");
      if (!type.equals("text")) {
        throw ApiException.invalid(
            partPath + ".type",
            "unsupported_field",
            "%s.type is not text, this model reads text only, send parts of type text"
                .formatted(partPath));
      }
      text.append(part.requiredText("text"));
      part.refuseOthers(UnservedFields.NONE);
    }
    return text.toString();
  }
}
