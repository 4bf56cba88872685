package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;

/** JSON of a checkpoint: bounded depth, no trailing text, refusals that name the file. */
final class Json {
  static final ObjectMapper MAPPER = JsonMapper.builder(factory(false)).build();
  private static final ObjectMapper STRICT = JsonMapper.builder(factory(true)).build();

  private Json() {}

  private static JsonFactory factory(boolean refuseDuplicates) {
    return JsonFactory.builder()
        .configure(StreamReadFeature.STRICT_DUPLICATE_DETECTION, refuseDuplicates)
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(64)
                .maxNumberLength(64)
                .maxNameLength(65_536)
                .maxStringLength(16 << 20)
                .build())
        .build();
  }

  /** Parses an object; a name given twice keeps its last value, as the published readers do. */
  static JsonNode object(byte[] bytes, String file) {
    return parse(MAPPER, bytes, file);
  }

  /** Parses an object and refuses a name given twice. */
  static JsonNode strictObject(byte[] bytes, String file) {
    return parse(STRICT, bytes, file);
  }

  private static JsonNode parse(ObjectMapper mapper, byte[] bytes, String file) {
    JsonNode node;
    try (JsonParser parser = mapper.createParser(bytes)) {
      node = mapper.readTree(parser);
      if (node != null && parser.nextToken() != null) {
        throw new CheckpointException(file + " has text after its JSON object: restore the file.");
      }
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage();
      throw new CheckpointException(
          file + " is not valid JSON (" + firstLine(reason) + "): restore the published file.", e);
    } catch (IOException e) {
      throw new CheckpointException(file + " cannot be decoded as JSON: restore the file.", e);
    }
    if (node == null || !node.isObject()) {
      throw new CheckpointException(
          file + " must hold one JSON object: restore the published file.");
    }
    return node;
  }

  private static String firstLine(String text) {
    String line = text == null ? "malformed" : text.lines().findFirst().orElse("malformed");
    return line.length() <= 120 ? line : line.substring(0, 117) + "...";
  }
}
