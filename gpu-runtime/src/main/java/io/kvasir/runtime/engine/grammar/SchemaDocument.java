package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;

/** The text of a schema, parsed within bounds, and its references. Immutable. */
final class SchemaDocument {
  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(GrammarLimits.MAX_SCHEMA_NESTING)
                          .maxNumberLength(200)
                          .build())
                  .build())
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private final JsonNode root;

  private SchemaDocument(JsonNode root) {
    this.root = root;
  }

  static SchemaDocument parse(String text) {
    if (text.length() > GrammarLimits.MAX_TEXT_LENGTH) {
      throw new GrammarRefusedException(
          "the schema has "
              + text.length()
              + " characters, allowed are "
              + GrammarLimits.MAX_TEXT_LENGTH
              + ": shorten it.");
    }
    try (JsonParser parser = MAPPER.createParser(text)) {
      JsonNode root = MAPPER.readTree(parser);
      if (root == null || root.isMissingNode() || parser.nextToken() != null) {
        throw new GrammarRefusedException(
            "the schema must be one JSON value: remove what stands around it.");
      }
      return new SchemaDocument(root);
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("malformed");
      throw new GrammarRefusedException("the schema is not valid JSON (" + reason + "): mend it.");
    } catch (IOException e) {
      throw new IllegalStateException("a text in memory cannot be read", e);
    }
  }

  Goal.Part root() {
    return new Goal.Part("", root);
  }

  /** The subschema that a {@code $ref} names. */
  Goal.Part resolve(String reference, Goal.Part from) {
    if (!reference.startsWith("#") || (reference.length() > 1 && reference.charAt(1) != '/')) {
      throw new GrammarRefusedException(
          from.where()
              + " has the $ref "
              + GrammarRefusedException.quote(reference)
              + ", only # and #/... within the schema can be followed: copy the definition to"
              + " $defs.");
    }
    String pointer;
    JsonNode target;
    try {
      pointer =
          URLDecoder.decode(reference.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
      target = root.at(JsonPointer.compile(pointer));
    } catch (IllegalArgumentException e) {
      throw new GrammarRefusedException(
          from.where()
              + " has the malformed $ref "
              + GrammarRefusedException.quote(reference)
              + ": write #/$defs/NAME.");
    }
    if (target.isMissingNode()) {
      throw new GrammarRefusedException(
          from.where()
              + " has the $ref "
              + GrammarRefusedException.quote(reference)
              + ", which names nothing: define it or correct it.");
    }
    return new Goal.Part(pointer, target);
  }
}
