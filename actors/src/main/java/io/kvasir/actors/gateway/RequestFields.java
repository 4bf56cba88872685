package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads an object field by field, and at the end refuses by name what nobody asked for. A field
 * that is null counts as absent. One thread.
 */
final class RequestFields {
  private final ObjectNode node;
  private final String prefix;
  private final Set<String> known = new HashSet<>();

  RequestFields(ObjectNode node, String prefix) {
    this.node = node;
    this.prefix = prefix;
  }

  /** The field, or null when absent. */
  JsonNode get(String name) {
    known.add(name);
    JsonNode value = node.get(name);
    return value == null || value.isNull() ? null : value;
  }

  String text(String name) {
    JsonNode value = get(name);
    if (value == null) {
      return null;
    }
    if (!value.isTextual()) {
      throw wrongType(name, value, "a string");
    }
    return value.textValue();
  }

  String requiredText(String name) {
    String value = text(name);
    if (value == null) {
      throw missing(name);
    }
    return value;
  }

  boolean flag(String name) {
    JsonNode value = get(name);
    if (value == null) {
      return false;
    }
    if (!value.isBoolean()) {
      throw wrongType(name, value, "true or false");
    }
    return value.booleanValue();
  }

  Double number(String name, double min, boolean minExcluded, double max) {
    JsonNode value = get(name);
    if (value == null) {
      return null;
    }
    if (!value.isNumber()) {
      throw wrongType(name, value, "a number");
    }
    double number = value.doubleValue();
    if (!(number <= max) || !(minExcluded ? number > min : number >= min)) {
      throw ApiException.invalidValue(
          path(name),
          "%s=%s is out of range, send a number %s %s and at most %s"
              .formatted(
                  path(name),
                  shorten(value),
                  minExcluded ? "above" : "of at least",
                  show(min),
                  show(max)));
    }
    return number;
  }

  Long integer(String name, long min, long max) {
    JsonNode value = get(name);
    return value == null ? null : integer(name, value, min, max);
  }

  long integer(String name, JsonNode value, long min, long max) {
    if (!value.isIntegralNumber()) {
      throw wrongType(name, value, "an integer");
    }
    if (!value.canConvertToLong() || value.longValue() < min || value.longValue() > max) {
      throw ApiException.invalidValue(
          path(name),
          "%s=%s is out of range, send an integer between %d and %d"
              .formatted(path(name), shorten(value), min, max));
    }
    return value.longValue();
  }

  /** A nested object; null when absent. */
  RequestFields object(String name) {
    JsonNode value = get(name);
    if (value == null) {
      return null;
    }
    if (value instanceof ObjectNode object) {
      return new RequestFields(object, path(name) + ".");
    }
    throw wrongType(name, value, "an object");
  }

  /** Token ids. */
  int[] ids(String name, JsonNode value) {
    if (!value.isArray()) {
      throw wrongType(name, value, "an array of token ids");
    }
    int[] ids = new int[value.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) integer(name, value.get(i), 0, Integer.MAX_VALUE);
    }
    return ids;
  }

  /** The names of all fields, for objects whose names are the client's. */
  List<String> names() {
    List<String> names = new ArrayList<>(node.size());
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  ApiException missing(String name) {
    return ApiException.invalid(
        path(name), "missing_field", path(name) + " is missing, send it with every request");
  }

  ApiException wrongType(String name, JsonNode value, String expected) {
    return ApiException.invalid(
        path(name),
        "invalid_type",
        path(name)
            + " is "
            + value.getNodeType().name().toLowerCase(java.util.Locale.ROOT)
            + " where "
            + expected
            + " is expected");
  }

  /** Refuses documented fields that are not served, then unknown ones. */
  void refuseOthers(UnservedFields unserved) {
    node.properties()
        .forEach(
            field -> {
              String name = field.getKey();
              if (known.contains(name) || field.getValue().isNull()) {
                return;
              }
              if (!unserved.knows(name)) {
                throw ApiException.invalid(
                    path(name),
                    "unknown_field",
                    path(shorten(name)) + " is not a field of this endpoint, remove it");
              }
              if (!unserved.isNeutral(name, field.getValue())) {
                throw ApiException.invalid(
                    path(name),
                    "unsupported_field",
                    path(name)
                        + " is not supported here with this value, "
                        + unserved.remedy(name));
              }
            });
  }

  String path(String name) {
    return prefix + name;
  }

  private static String shorten(JsonNode value) {
    return shorten(value.asText());
  }

  static String shorten(String text) {
    return text.length() <= 40 ? text : text.substring(0, 37) + "...";
  }

  private static String show(double bound) {
    return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
  }
}
