package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Reads the keywords of single subschemas, without following references or combining: what is said
 * about each JSON type. Refuses what it does not know, by name and place. One compilation.
 */
final class SchemaReader {
  private static final Set<String> ANNOTATIONS =
      Set.of(
          "title",
          "description",
          "default",
          "example",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$comment",
          "$schema",
          "$defs",
          "definitions");

  private static final Map<String, String> TYPE_OF_KEYWORD =
      Map.ofEntries(
          Map.entry("properties", "object"),
          Map.entry("required", "object"),
          Map.entry("additionalProperties", "object"),
          Map.entry("minProperties", "object"),
          Map.entry("prefixItems", "array"),
          Map.entry("items", "array"),
          Map.entry("minItems", "array"),
          Map.entry("maxItems", "array"),
          Map.entry("uniqueItems", "array"),
          Map.entry("minLength", "string"),
          Map.entry("maxLength", "string"),
          Map.entry("pattern", "string"),
          Map.entry("format", "string"),
          Map.entry("minimum", "number"),
          Map.entry("maximum", "number"),
          Map.entry("exclusiveMinimum", "number"),
          Map.entry("exclusiveMaximum", "number"));

  private static final Set<String> COMBINING =
      Set.of("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref");
  private static final List<String> TYPES =
      List.of("null", "boolean", "integer", "number", "string", "array", "object");

  private final WorkBudget budget;
  private final Map<String, RangeDfa> texts = new HashMap<>();

  SchemaReader(WorkBudget budget) {
    this.budget = budget;
  }

  /**
   * The shapes that the typed keywords of an object schema leave.
   *
   * @param infer whether keywords of some types, without {@code type}, stand for these types
   */
  List<Shape> shapes(Goal.Part part, boolean infer) {
    Set<String> keywordTypes = new HashSet<>();
    for (Map.Entry<String, JsonNode> field : part.node().properties()) {
      String keyword = field.getKey();
      String type = TYPE_OF_KEYWORD.get(keyword);
      if (type != null) {
        keywordTypes.add(type);
      } else if (!COMBINING.contains(keyword)
          && !ANNOTATIONS.contains(keyword)
          && !(keyword.equals("$id") && part.pointer().isEmpty())) {
        throw refuse(
            part,
            "has the keyword "
                + GrammarRefusedException.quote(keyword)
                + ", which is not supported",
            "remove it and check the answer for it");
      }
    }
    Set<String> types = types(part);
    if (types == null) {
      types =
          infer && !keywordTypes.isEmpty()
              ? keywordTypes
              : Set.of("null", "boolean", "number", "string", "array", "object");
    }
    List<Shape> out = new ArrayList<>();
    for (String type : TYPES) {
      boolean covered = type.equals("integer") && types.contains("number");
      if (types.contains(type) && !covered) {
        out.add(
            switch (type) {
              case "null" -> new Shape.Null();
              case "boolean" -> new Shape.Bool();
              case "integer" -> numbers(part, true);
              case "number" -> numbers(part, false);
              case "string" -> strings(part);
              case "array" -> arrays(part);
              default -> objects(part);
            });
      }
    }
    return out;
  }

  private Set<String> types(Goal.Part part) {
    JsonNode type = part.node().get("type");
    if (type == null) {
      return null;
    }
    Set<String> out = new LinkedHashSet<>();
    for (JsonNode name : type.isArray() ? type : List.of(type)) {
      if (!name.isTextual() || !TYPES.contains(name.textValue())) {
        throw refuse(
            part,
            "has the type " + GrammarRefusedException.quote(name.asText()),
            "use one or more of " + String.join(", ", TYPES));
      }
      out.add(name.textValue());
    }
    if (out.isEmpty()) {
      throw refuse(part, "has an empty list of types", "name at least one");
    }
    return out;
  }

  private Shape numbers(Goal.Part part, boolean integer) {
    BigDecimal min = bound(part, "minimum");
    BigDecimal above = bound(part, "exclusiveMinimum");
    BigDecimal max = bound(part, "maximum");
    BigDecimal below = bound(part, "exclusiveMaximum");
    Shape.Numbers out = new Shape.Numbers(integer, min, false, max, false);
    return out.and(new Shape.Numbers(integer, above, true, below, true));
  }

  private static BigDecimal bound(Goal.Part part, String keyword) {
    JsonNode node = part.node().get(keyword);
    if (node == null) {
      return null;
    }
    if (!node.isNumber()) {
      throw refuse(part, "has a " + keyword + " that is no number", "give a number");
    }
    return NumberRange.checked(node.decimalValue(), part.where() + "/" + keyword);
  }

  private Shape strings(Goal.Part part) {
    List<RangeDfa> all = new ArrayList<>();
    JsonNode pattern = part.node().get("pattern");
    if (pattern != null) {
      String text = text(part, "pattern");
      String where = "the pattern of " + part.where();
      all.add(texts.computeIfAbsent("p" + text, k -> RegexParser.search(text, where, budget)));
    }
    if (part.node().has("format")) {
      String name = text(part, "format");
      String regex = Formats.REGEX.get(name);
      if (regex == null) {
        throw refuse(
            part,
            "has the format " + GrammarRefusedException.quote(name) + ", which is not supported",
            "use one of " + String.join(", ", Formats.REGEX.keySet()) + " or a pattern");
      }
      all.add(texts.computeIfAbsent("f" + name, k -> RegexParser.whole(regex, name, budget)));
    }
    return new Shape.Strings(
        count(part, "minLength", 0), count(part, "maxLength", Integer.MAX_VALUE), all);
  }

  private static String text(Goal.Part part, String keyword) {
    JsonNode node = part.node().get(keyword);
    if (!node.isTextual()) {
      throw refuse(part, "has a " + keyword + " that is no string", "give a string");
    }
    return node.textValue();
  }

  /** A count; one beyond an int is as good as the largest. */
  private static int count(Goal.Part part, String keyword, int otherwise) {
    JsonNode node = part.node().get(keyword);
    if (node == null) {
      return otherwise;
    }
    boolean whole = node.isNumber() && node.decimalValue().stripTrailingZeros().scale() <= 0;
    if (!whole || node.decimalValue().signum() < 0) {
      throw refuse(part, "has a " + keyword + " that is no count", "give an integer from 0 up");
    }
    return node.decimalValue().min(BigDecimal.valueOf(Integer.MAX_VALUE)).intValue();
  }

  private static Shape arrays(Goal.Part part) {
    List<Goal> prefix = new ArrayList<>();
    JsonNode prefixItems = part.node().get("prefixItems");
    if (prefixItems != null) {
      if (!prefixItems.isArray()) {
        throw refuse(part, "has prefixItems that are no list", "give a list of schemas");
      }
      for (int i = 0; i < prefixItems.size(); i++) {
        prefix.add(Goal.of(part.child("prefixItems", Integer.toString(i))));
      }
    }
    JsonNode items = part.node().get("items");
    if (items != null && items.isArray()) {
      throw refuse(part, "has items as a list", "name it prefixItems");
    }
    int max = count(part, "maxItems", Integer.MAX_VALUE);
    JsonNode unique = part.node().get("uniqueItems");
    if (unique != null && !(unique.isBoolean() && (!unique.booleanValue() || max <= 1))) {
      throw refuse(
          part,
          "has the keyword \"uniqueItems\", which is not supported",
          "remove it and check the answer for it");
    }
    Goal rest = items == null ? Goal.ANY : Goal.of(part.child("items"));
    return new Shape.Arrays(prefix, rest, count(part, "minItems", 0), max);
  }

  private static Shape objects(Goal.Part part) {
    SequencedMap<String, Goal> properties = new LinkedHashMap<>();
    JsonNode declared = part.node().get("properties");
    if (declared != null) {
      if (!declared.isObject()) {
        throw refuse(part, "has properties that are no object", "give name: schema pairs");
      }
      declared
          .fieldNames()
          .forEachRemaining(n -> properties.put(n, Goal.of(part.child("properties", n))));
    }
    Set<String> required = new LinkedHashSet<>();
    JsonNode needed = part.node().get("required");
    if (needed != null) {
      for (JsonNode name : needed) {
        required.add(name.isTextual() ? name.textValue() : null);
      }
      if (!needed.isArray() || required.contains(null)) {
        throw refuse(part, "has required that is no list of names", "give a list of strings");
      }
    }
    int least = count(part, "minProperties", 0);
    if (least > required.size()) {
      throw refuse(
          part,
          "has minProperties " + least + ", more than the " + required.size() + " required",
          "name the required properties");
    }
    JsonNode additional = part.node().get("additionalProperties");
    return new Shape.Objects(
        properties,
        required,
        additional == null ? null : Goal.of(part.child("additionalProperties")));
  }

  static GrammarRefusedException refuse(Goal.Part part, String what, String remedy) {
    return new GrammarRefusedException(part.where() + " " + what + ": " + remedy + ".");
  }
}
