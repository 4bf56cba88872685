package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A request for embeddings as the client wrote it, types checked.
 *
 * @param inputs at least one, each text or token ids
 * @param base64 whether vectors are wanted as base64 instead of numbers
 * @param dimensions null = all
 * @param timeout asked for in {@code kvasir.timeout_ms}, or null
 */
record EmbeddingsRequest(
    String model, List<Input> inputs, boolean base64, Integer dimensions, Duration timeout) {
  /** What OpenAI documents for its own. */
  static final int MAX_INPUTS = 2048;

  /** One input. */
  sealed interface Input {
    /** Tokenised as it is. */
    record Text(String text) implements Input {}

    /** Used as they are. */
    record Ids(int[] tokens) implements Input {}
  }

  static EmbeddingsRequest parse(byte[] body) {
    RequestFields fields = new RequestFields(Json.parseObject(body), "");
    fields.text("user");
    String model = fields.requiredText("model");
    List<Input> inputs = inputs(fields);
    Long dimensions = fields.integer("dimensions", 1, Integer.MAX_VALUE);
    EmbeddingsRequest request =
        new EmbeddingsRequest(
            model,
            inputs,
            base64(fields),
            dimensions == null ? null : dimensions.intValue(),
            timeout(fields));
    fields.refuseOthers(UnservedFields.NONE);
    return request;
  }

  private static boolean base64(RequestFields fields) {
    String format = fields.text("encoding_format");
    if (format != null && !format.equals("float") && !format.equals("base64")) {
      throw ApiException.invalidValue(
          "encoding_format",
          "encoding_format=%s is unknown, send float or base64"
              .formatted(format.length() <= 40 ? format : format.substring(0, 37) + "..."));
    }
    return "base64".equals(format);
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

  private static List<Input> inputs(RequestFields fields) {
    JsonNode value = fields.get("input");
    if (value == null) {
      throw fields.missing("input");
    }
    if (value.isTextual()) {
      return List.of(new Input.Text(value.textValue()));
    }
    if (!value.isArray()) {
      throw fields.wrongType("input", value, "a string, or an array of strings or token ids,");
    }
    if (value.isEmpty()) {
      throw ApiException.invalidValue("input", "input is empty, send at least one text");
    }
    if (value.get(0).isNumber()) {
      return List.of(ids(fields, "input", value));
    }
    if (value.size() > MAX_INPUTS) {
      throw ApiException.invalidValue(
          "input",
          "input has %d entries, the limit is %d, send them in several requests"
              .formatted(value.size(), MAX_INPUTS));
    }
    List<Input> inputs = new ArrayList<>(value.size());
    for (int i = 0; i < value.size(); i++) {
      JsonNode each = value.get(i);
      String name = "input[" + i + "]";
      if (each.isTextual()) {
        inputs.add(new Input.Text(each.textValue()));
      } else if (each.isArray()) {
        inputs.add(ids(fields, name, each));
      } else {
        throw fields.wrongType(name, each, "a string or an array of token ids");
      }
    }
    return inputs;
  }

  private static Input ids(RequestFields fields, String name, JsonNode value) {
    int[] ids = new int[value.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) fields.integer(name, value.get(i), 0, Integer.MAX_VALUE);
    }
    return new Input.Ids(ids);
  }
}
