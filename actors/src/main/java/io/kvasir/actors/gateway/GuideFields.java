package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * The fields that say what an answer must look like: OpenAI's {@code response_format}, vLLM's
 * {@code guided_*} and their newer form {@code structured_outputs}. At most one of them.
 */
final class GuideFields {
  private static final int MAX_CHOICES = 4096;

  private GuideFields() {}

  /** The grammar asked for, or null. */
  static OpenAiRequest.Guide parse(RequestFields fields) {
    List<OpenAiRequest.Guide> guides = new ArrayList<>();
    responseFormat(fields, guides);
    addJson(fields, "guided_json", guides);
    addRegex(fields, "guided_regex", guides);
    addChoice(fields, "guided_choice", guides);
    RequestFields newer = fields.object("structured_outputs");
    if (newer != null) {
      addJson(newer, "json", guides);
      addRegex(newer, "regex", guides);
      addChoice(newer, "choice", guides);
      newer.refuseOthers(UnservedFields.STRUCTURED_OUTPUTS);
    }
    if (guides.size() > 1) {
      String second = guides.get(1).field();
      throw ApiException.invalidValue(
          second,
          "%s and %s both say what the answer must look like, send one of them"
              .formatted(guides.getFirst().field(), second));
    }
    return guides.isEmpty() ? null : guides.getFirst();
  }

  private static void responseFormat(RequestFields fields, List<OpenAiRequest.Guide> guides) {
    RequestFields format = fields.object("response_format");
    if (format == null) {
      return;
    }
    String type = format.requiredText("type");
    switch (type) {
      case "text" -> {}
      case "json_object" ->
          guides.add(new OpenAiRequest.Guide("response_format", new GrammarSpec.JsonObject()));
      case "json_schema" -> guides.add(jsonSchema(format));
      default ->
          throw ApiException.invalidValue(
              "response_format.type",
              "response_format.type=%s is not supported, send text, json_object or json_schema"
                  .formatted(RequestFields.shorten(type)));
    }
    format.refuseOthers(UnservedFields.NONE);
  }

  private static OpenAiRequest.Guide jsonSchema(RequestFields format) {
    RequestFields named = format.object("json_schema");
    if (named == null) {
      throw format.missing("json_schema");
    }
    named.requiredText("name");
    named.text("description");
    boolean strict = named.flag("strict");
    JsonNode schema = named.get("schema");
    if (schema == null) {
      throw named.missing("schema");
    }
    checkSchema(named, "schema", schema);
    named.refuseOthers(UnservedFields.NONE);
    return new OpenAiRequest.Guide(
        named.path("schema"), new GrammarSpec.JsonSchema(schema.toString(), strict));
  }

  private static void checkSchema(RequestFields fields, String name, JsonNode schema) {
    if (!schema.isObject() && !schema.isBoolean()) {
      throw fields.wrongType(name, schema, "a JSON Schema (an object)");
    }
  }

  private static void addJson(RequestFields fields, String name, List<OpenAiRequest.Guide> guides) {
    JsonNode schema = fields.get(name);
    if (schema == null) {
      return;
    }
    if (!schema.isTextual()) {
      checkSchema(fields, name, schema);
    }
    String text = schema.isTextual() ? schema.textValue() : schema.toString();
    guides.add(new OpenAiRequest.Guide(fields.path(name), new GrammarSpec.JsonSchema(text, false)));
  }

  private static void addRegex(
      RequestFields fields, String name, List<OpenAiRequest.Guide> guides) {
    String pattern = fields.text(name);
    if (pattern != null) {
      guides.add(new OpenAiRequest.Guide(fields.path(name), new GrammarSpec.Regex(pattern)));
    }
  }

  private static void addChoice(
      RequestFields fields, String name, List<OpenAiRequest.Guide> guides) {
    JsonNode value = fields.get(name);
    if (value == null) {
      return;
    }
    if (!value.isArray()) {
      throw fields.wrongType(name, value, "an array of strings");
    }
    if (value.isEmpty() || value.size() > MAX_CHOICES) {
      throw ApiException.invalidValue(
          fields.path(name),
          "%s has %d entries, send between 1 and %d"
              .formatted(fields.path(name), value.size(), MAX_CHOICES));
    }
    List<String> choices = new ArrayList<>(value.size());
    for (JsonNode each : value) {
      if (!each.isTextual()) {
        throw fields.wrongType(name, each, "an array of strings");
      }
      choices.add(each.textValue());
    }
    guides.add(new OpenAiRequest.Guide(fields.path(name), new GrammarSpec.Choice(choices)));
  }
}
