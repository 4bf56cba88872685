package io.kvasir.actors.gateway;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Bodies in and out. */
final class Json {
  // Nesting costs stack; strings are bounded by the body limit, numbers by what a field can mean.
  private static final StreamReadConstraints BOUNDS =
      StreamReadConstraints.builder()
          .maxNestingDepth(64)
          .maxStringLength(Integer.MAX_VALUE)
          .maxNumberLength(64)
          .maxNameLength(256)
          .build();
  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(BOUNDS)
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .build();
  private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);

  private Json() {}

  /** The body as an object. */
  static ObjectNode parseObject(byte[] body) {
    JsonNode node;
    try {
      node = MAPPER.readTree(body);
    } catch (JsonProcessingException malformed) {
      throw ApiException.invalid(
          null,
          "invalid_json",
          "the body is not valid JSON ("
              + malformed.getOriginalMessage().lines().findFirst().orElse("")
              + at(malformed)
              + "), send one JSON object in UTF-8");
    } catch (IOException malformed) {
      throw ApiException.invalid(
          null, "invalid_json", "the body is not valid UTF-8 JSON, send one JSON object in UTF-8");
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw ApiException.invalid(
        null,
        "invalid_json",
        "the body is "
            + (node == null || node.isMissingNode() ? "empty" : "not a JSON object")
            + ", send one JSON object");
  }

  private static String at(JsonProcessingException malformed) {
    return malformed.getLocation() == null
        ? ""
        : " at line "
            + malformed.getLocation().getLineNr()
            + ", column "
            + malformed.getLocation().getColumnNr();
  }

  /** UTF-8 JSON of a record. */
  static byte[] write(Object document) {
    try {
      return MAPPER.writeValueAsBytes(document);
    } catch (JsonProcessingException broken) {
      throw new UncheckedIOException(broken);
    }
  }

  /** One server-sent event: {@code data: {…}} and an empty line. */
  static byte[] writeEvent(Object document) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    bytes.writeBytes(DATA);
    try (JsonGenerator generator = MAPPER.getFactory().createGenerator(bytes)) {
      MAPPER.writeValue(generator, document);
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
    bytes.write('\n');
    bytes.write('\n');
    return bytes.toByteArray();
  }
}
