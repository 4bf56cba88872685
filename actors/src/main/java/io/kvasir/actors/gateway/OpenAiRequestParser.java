package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Body → {@link OpenAiRequest}; every field is taken, or refused by name. */
final class OpenAiRequestParser {
  private static final int MAX_STOPS = 64;
  private static final int MAX_STOP_CHARS = 1024;
  private static final int MAX_MESSAGES = 16_384;

  private OpenAiRequestParser() {}

  static OpenAiRequest parseChat(byte[] body) {
    RequestFields fields = new RequestFields(Json.parseObject(body), "");
    fields.get("user");
    String limitName = "max_completion_tokens";
    Integer limit = count(fields, limitName);
    Integer older = count(fields, "max_tokens");
    if (limit != null && older != null && !limit.equals(older)) {
      throw ApiException.invalidValue(
          "max_tokens",
          "max_tokens=%d and max_completion_tokens=%d differ, send one of them"
              .formatted(older, limit));
    }
    return finish(
        fields,
        new OpenAiRequest.Chat(messages(fields)),
        limit == null ? older : limit,
        limit == null ? "max_tokens" : limitName,
        UnservedFields.CHAT);
  }

  static OpenAiRequest parseCompletion(byte[] body) {
    RequestFields fields = new RequestFields(Json.parseObject(body), "");
    fields.get("user");
    return finish(
        fields,
        prompt(fields),
        count(fields, "max_tokens"),
        "max_tokens",
        UnservedFields.COMPLETIONS);
  }

  private static OpenAiRequest finish(
      RequestFields fields,
      OpenAiRequest.Prompt prompt,
      Integer maxTokens,
      String maxTokensField,
      UnservedFields unserved) {
    boolean stream = fields.flag("stream");
    Long minTokens = fields.integer("min_tokens", 0, Integer.MAX_VALUE);
    Long topK = topK(fields);
    OpenAiRequest request =
        new OpenAiRequest(
            fields.requiredText("model"),
            prompt,
            maxTokens,
            maxTokensField,
            minTokens == null ? null : minTokens.intValue(),
            fields.number("temperature", 0, false, 2),
            fields.number("top_p", 0, true, 1),
            topK == null ? null : topK.intValue(),
            fields.number("min_p", 0, false, 1),
            fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
            stops(fields),
            stopIds(fields),
            stream,
            includeUsage(fields, stream),
            timeout(fields));
    fields.refuseOthers(unserved);
    return request;
  }

  private static Integer count(RequestFields fields, String name) {
    Long value = fields.integer(name, 1, Integer.MAX_VALUE);
    return value == null ? null : value.intValue();
  }

  // -1 is how vLLM's clients switch it off.
  private static Long topK(RequestFields fields) {
    Long value = fields.integer("top_k", -1, Integer.MAX_VALUE);
    return value == null ? null : Math.max(0, value);
  }

  private static boolean includeUsage(RequestFields fields, boolean stream) {
    RequestFields options = fields.object("stream_options");
    if (options == null) {
      return false;
    }
    if (!stream) {
      throw ApiException.invalidValue(
          "stream_options", "stream_options is only for streams, send stream=true or remove it");
    }
    boolean includeUsage = options.flag("include_usage");
    options.refuseOthers(UnservedFields.STREAM_OPTIONS);
    return includeUsage;
  }

  private static Duration timeout(RequestFields fields) {
    RequestFields extension = fields.object("kvasir");
    if (extension == null) {
      return null;
    }
    Long timeoutMs = extension.integer("timeout_ms", 1, Duration.ofDays(1).toMillis());
    extension.refuseOthers(UnservedFields.NONE);
    return timeoutMs == null ? null : Duration.ofMillis(timeoutMs);
  }

  private static List<String> stops(RequestFields fields) {
    JsonNode value = fields.get("stop");
    if (value == null) {
      return List.of();
    }
    List<String> stops = new ArrayList<>();
    if (value.isTextual()) {
      stops.add(value.textValue());
    } else if (value.isArray()) {
      for (JsonNode each : value) {
        if (!each.isTextual()) {
          throw fields.wrongType("stop", each, "a string, or an array of strings,");
        }
        stops.add(each.textValue());
      }
    } else {
      throw fields.wrongType("stop", value, "a string, or an array of strings,");
    }
    if (stops.size() > MAX_STOPS) {
      throw ApiException.invalidValue(
          "stop",
          "stop has %d entries, the limit is %d, send fewer".formatted(stops.size(), MAX_STOPS));
    }
    for (String stop : stops) {
      if (stop.isEmpty() || stop.length() > MAX_STOP_CHARS) {
        throw ApiException.invalidValue(
            "stop",
            "a stop string of %d characters is outside 1 to %d, change or remove it"
                .formatted(stop.length(), MAX_STOP_CHARS));
      }
    }
    return stops;
  }

  private static List<Integer> stopIds(RequestFields fields) {
    JsonNode value = fields.get("stop_token_ids");
    if (value == null) {
      return List.of();
    }
    List<Integer> ids = new ArrayList<>();
    for (int id : ids(fields, "stop_token_ids", value)) {
      ids.add(id);
    }
    if (ids.size() > MAX_STOPS) {
      throw ApiException.invalidValue(
          "stop_token_ids",
          "stop_token_ids has %d entries, the limit is %d, send fewer"
              .formatted(ids.size(), MAX_STOPS));
    }
    return ids;
  }

  private static int[] ids(RequestFields fields, String name, JsonNode value) {
    if (!value.isArray()) {
      throw fields.wrongType(name, value, "an array of token ids");
    }
    int[] ids = new int[value.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) fields.integer(name, value.get(i), 0, Integer.MAX_VALUE);
    }
    return ids;
  }

  private static OpenAiRequest.Prompt prompt(RequestFields fields) {
    JsonNode value = fields.get("prompt");
    if (value == null) {
      throw fields.missing("prompt");
    }
    // One prompt in an array is one prompt.
    JsonNode only =
        value.isArray() && value.size() == 1 && !value.get(0).isNumber() ? value.get(0) : value;
    if (only.isTextual()) {
      return new OpenAiRequest.Text(only.textValue());
    }
    if (only.isArray() && !only.isEmpty() && !only.get(0).isNumber()) {
      throw ApiException.invalid(
          "prompt",
          "unsupported_field",
          "prompt holds %d prompts, one request takes 1, send them as separate requests"
              .formatted(only.size()));
    }
    int[] ids = ids(fields, "prompt", only);
    if (ids.length == 0) {
      throw ApiException.invalidValue("prompt", "prompt is empty, send at least one token");
    }
    return new OpenAiRequest.Ids(ids);
  }

  /** The field messages. */
  static List<ChatMessage> messages(RequestFields fields) {
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
    return messages;
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
    message.refuseOthers(UnservedFields.NONE);
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
