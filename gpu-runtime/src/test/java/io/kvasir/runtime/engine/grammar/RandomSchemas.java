package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Random schemas inside the supported subset, each with a source of values that meet it. One seed,
 * one schema.
 */
final class RandomSchemas {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final String[] NAMES = {"a", "ab", "abc", "name", "né", "k\"1", "id", "x\\y", "日"};
  private static final String CHARS = "abcXYZ 019\"\\/\n\té日👍{}[],:-";

  /** A schema and values of it. */
  record Case(ObjectNode schema, Supplier<JsonNode> values) {}

  private final Random random;
  private final ObjectNode definitions = NODES.objectNode();

  private RandomSchemas(long seed) {
    this.random = new Random(seed);
  }

  static Case of(long seed) {
    RandomSchemas r = new RandomSchemas(seed);
    Case root = r.any(3);
    if (!r.definitions.isEmpty()) {
      root.schema().set("$defs", r.definitions);
    }
    return root;
  }

  private Case any(int depth) {
    ObjectNode annotated = NODES.objectNode();
    Case made =
        switch (random.nextInt(depth > 0 ? 14 : 6)) {
          case 0 -> scalar("null", NODES::nullNode);
          case 1 -> scalar("boolean", () -> NODES.booleanNode(random.nextBoolean()));
          case 2 -> number(true);
          case 3 -> number(false);
          case 4 -> string();
          case 5 -> listed();
          case 6, 7 -> array(depth);
          case 8, 9, 10 -> object(depth);
          case 11 -> anyOf(depth);
          case 12 -> random.nextBoolean() ? oneOf(depth) : allOf();
          default -> recursive();
        };
    if (random.nextInt(5) == 0) {
      annotated.put("title", "t").put("description", "d");
      annotated.setAll(made.schema());
      return new Case(annotated, made.values());
    }
    return made;
  }

  private static Case scalar(String type, Supplier<JsonNode> values) {
    return new Case(NODES.objectNode().put("type", type), values);
  }

  private Case number(boolean integer) {
    ObjectNode schema = NODES.objectNode().put("type", integer ? "integer" : "number");
    int scale = integer ? 0 : random.nextInt(4);
    long low = random.nextInt(5) == 0 ? 0 : random.nextInt(4000) - 2000;
    long width = random.nextInt(4) == 0 ? 1 : 1 + random.nextInt(3000);
    boolean min = random.nextInt(3) > 0;
    boolean max = random.nextInt(3) > 0;
    // Open ends that exclude the bound, so a value strictly inside must exist.
    long high = low + width + 1;
    if (min) {
      boolean open = random.nextInt(3) == 0;
      schema.put(open ? "exclusiveMinimum" : "minimum", BigDecimal.valueOf(low, scale));
    }
    if (max) {
      boolean open = random.nextInt(3) == 0;
      schema.put(open ? "exclusiveMaximum" : "maximum", BigDecimal.valueOf(high, scale));
    }
    return new Case(
        schema,
        () -> {
          long inside = low + 1 + (long) (random.nextDouble() * width);
          return DecimalNode.valueOf(BigDecimal.valueOf(inside, scale));
        });
  }

  private Case string() {
    ObjectNode schema = NODES.objectNode().put("type", "string");
    switch (random.nextInt(6)) {
      case 0 -> {
        return new Case(
            schema.put("pattern", "^[a-c]{2,4}-?\\d+$"), () -> text("ab-" + random.nextInt(99)));
      }
      case 1 -> {
        return new Case(
            schema.put("pattern", "x|[^a-z]$").put("maxLength", 12),
            () -> text(chars(0, 5) + "x" + chars(0, 5)));
      }
      case 2 -> {
        return new Case(
            schema.put("format", "date"), () -> text("20" + (10 + random.nextInt(80)) + "-02-28"));
      }
      case 3 -> {
        String[] formats = {"date-time", "time", "uuid", "ipv4"};
        String[] values = {
          "2024-02-29T23:59:59.5Z",
          "00:00:00+05:30",
          "123e4567-e89b-12d3-a456-426614174000",
          "10.0.255.1"
        };
        int i = random.nextInt(formats.length);
        return new Case(schema.put("format", formats[i]), () -> text(values[i]));
      }
      case 4 -> {
        int min = random.nextInt(4);
        int max = min + random.nextInt(20);
        schema.put("minLength", min).put("maxLength", max);
        return new Case(schema, () -> text(chars(min, max)));
      }
      default -> {
        return new Case(schema, () -> text(chars(0, 20)));
      }
    }
  }

  private static JsonNode text(String text) {
    return NODES.textNode(text);
  }

  private String chars(int min, int max) {
    StringBuilder out = new StringBuilder();
    int[] points = CHARS.codePoints().toArray();
    for (int i = min + random.nextInt(max - min + 1); i > 0; i--) {
      out.appendCodePoint(points[random.nextInt(points.length)]);
    }
    return out.toString();
  }

  private Case listed() {
    List<JsonNode> values =
        List.of(
            text("red"),
            text("re\"d\n"),
            NODES.numberNode(7),
            DecimalNode.valueOf(new BigDecimal("-1.50")),
            NODES.nullNode(),
            NODES.booleanNode(true),
            NODES.arrayNode().add(1).add("x"),
            NODES.objectNode().put("k", 1).set("e", NODES.arrayNode()));
    ObjectNode schema = NODES.objectNode();
    if (random.nextBoolean()) {
      JsonNode value = values.get(random.nextInt(values.size()));
      schema.set("const", value);
      return new Case(schema, () -> value);
    }
    int count = 1 + random.nextInt(values.size());
    ArrayNode list = schema.putArray("enum");
    values.subList(0, count).forEach(list::add);
    return new Case(schema, () -> values.get(random.nextInt(count)));
  }

  private Case array(int depth) {
    ObjectNode schema = NODES.objectNode().put("type", "array");
    Case item = any(depth - 1);
    if (random.nextInt(3) == 0) {
      Case second = any(depth - 1);
      schema.putArray("prefixItems").add(item.schema()).add(second.schema());
      schema.put("minItems", 2);
      if (random.nextBoolean()) {
        schema.put("items", false);
        return new Case(
            schema, () -> NODES.arrayNode().add(item.values().get()).add(second.values().get()));
      }
      schema.set("items", second.schema());
      schema.put("maxItems", 4);
      return new Case(
          schema,
          () -> {
            ArrayNode out = NODES.arrayNode().add(item.values().get());
            for (int i = 1 + random.nextInt(3); i > 0; i--) {
              out.add(second.values().get());
            }
            return out;
          });
    }
    int min = random.nextInt(3);
    int max = min + random.nextInt(3);
    schema.set("items", item.schema());
    schema.put("minItems", min);
    if (random.nextBoolean()) {
      schema.put("maxItems", max);
    }
    return new Case(
        schema,
        () -> {
          ArrayNode out = NODES.arrayNode();
          for (int i = min + random.nextInt(max - min + 1); i > 0; i--) {
            out.add(item.values().get());
          }
          return out;
        });
  }

  private Case object(int depth) {
    ObjectNode schema = NODES.objectNode().put("type", "object");
    Map<String, Case> members = new LinkedHashMap<>();
    ObjectNode properties = schema.putObject("properties");
    ArrayNode required = NODES.arrayNode();
    for (int i = random.nextInt(5); i > 0; i--) {
      String name = NAMES[random.nextInt(NAMES.length)];
      if (!members.containsKey(name)) {
        Case value = any(depth - 1);
        members.put(name, value);
        properties.set(name, value.schema());
        if (random.nextBoolean()) {
          required.add(name);
        }
      }
    }
    if (!required.isEmpty()) {
      schema.set("required", required);
    }
    Case others = random.nextInt(3) == 0 ? any(0) : null;
    if (others != null) {
      schema.set("additionalProperties", others.schema());
    } else if (random.nextBoolean()) {
      schema.put("additionalProperties", false);
    }
    return new Case(
        schema,
        () -> {
          ObjectNode out = NODES.objectNode();
          members.forEach(
              (name, value) -> {
                boolean needed = required.valueStream().anyMatch(n -> n.asText().equals(name));
                if (needed || random.nextBoolean()) {
                  out.set(name, value.values().get());
                }
              });
          for (int i = others == null ? 0 : random.nextInt(3); i > 0; i--) {
            out.set("other" + i + "é", others.values().get());
          }
          return out;
        });
  }

  private Case anyOf(int depth) {
    Case a = any(depth - 1);
    Case b = any(depth - 1);
    ObjectNode schema = NODES.objectNode();
    schema.putArray("anyOf").add(a.schema()).add(b.schema());
    return new Case(schema, () -> (random.nextBoolean() ? a : b).values().get());
  }

  /** Objects told apart by a constant, and a value that is no object. */
  private Case oneOf(int depth) {
    ObjectNode schema = NODES.objectNode();
    ArrayNode branches = schema.putArray("oneOf");
    Case inner = any(depth - 1);
    for (String kind : List.of("circle", "square")) {
      ObjectNode branch = branches.addObject().put("type", "object");
      ObjectNode properties = branch.putObject("properties");
      properties.putObject("kind").put("const", kind);
      properties.set("value", inner.schema());
      branch.putArray("required").add("kind").add("value");
    }
    branches.addObject().put("type", "null");
    return new Case(
        schema,
        () -> {
          if (random.nextInt(4) == 0) {
            return NODES.nullNode();
          }
          ObjectNode out =
              NODES.objectNode().put("kind", random.nextBoolean() ? "circle" : "square");
          return out.set("value", inner.values().get());
        });
  }

  private Case allOf() {
    ObjectNode schema = NODES.objectNode();
    ArrayNode all = schema.putArray("allOf");
    all.addObject().put("type", "integer").put("minimum", 3);
    all.addObject().put("maximum", 40).put("type", "number");
    return new Case(schema, () -> NODES.numberNode(3 + random.nextInt(38)));
  }

  private Case recursive() {
    if (!definitions.has("list")) {
      ObjectNode list = definitions.putObject("list").put("type", "object");
      ObjectNode properties = list.putObject("properties");
      properties.putObject("v").put("type", "boolean");
      ArrayNode next = properties.putObject("next").putArray("anyOf");
      next.addObject().put("$ref", "#/$defs/list");
      next.addObject().put("type", "null");
      list.putArray("required").add("v").add("next");
      list.put("additionalProperties", false);
    }
    ObjectNode schema = NODES.objectNode().put("$ref", "#/$defs/list");
    return new Case(schema, () -> list(random.nextInt(5)));
  }

  private JsonNode list(int length) {
    ObjectNode out = NODES.objectNode().put("v", random.nextBoolean());
    return out.set("next", length == 0 ? NODES.nullNode() : list(length - 1));
  }

  /** The text of a value, with blanks inside the documented bounds. */
  static String write(JsonNode value, boolean blanks) {
    StringBuilder out = new StringBuilder();
    write(value, blanks, "\n", out);
    return out.toString();
  }

  private static void write(JsonNode value, boolean blanks, String line, StringBuilder out) {
    String inner = line + "  ";
    if (value.isObject() || value.isArray()) {
      out.append(value.isObject() ? '{' : '[');
      String separator = "";
      var names = value.fieldNames();
      for (JsonNode item : value) {
        out.append(separator).append(blanks ? inner : "");
        if (value.isObject()) {
          out.append(new String(TextEncoder.quoted(names.next()), StandardCharsets.UTF_8));
          out.append(blanks ? ": " : ":");
        }
        write(item, blanks, inner, out);
        separator = ",";
      }
      out.append(blanks && !value.isEmpty() ? line : "").append(value.isObject() ? '}' : ']');
    } else if (value.isTextual()) {
      out.append(new String(TextEncoder.quoted(value.textValue()), StandardCharsets.UTF_8));
    } else {
      out.append(value.isNumber() ? value.decimalValue().toPlainString() : value.asText());
    }
  }
}
