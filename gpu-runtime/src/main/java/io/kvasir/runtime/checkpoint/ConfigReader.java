package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Typed access to one JSON object. A value of the wrong kind or out of range becomes a problem and
 * the fallback is returned, so that reading goes on and all problems are found. A JSON null counts
 * as absent. Not thread-safe.
 */
final class ConfigReader {
  private final JsonNode node;
  private final String where;
  private final Problems problems;

  ConfigReader(JsonNode node, String where, Problems problems) {
    this.node = node;
    this.where = where;
    this.problems = problems;
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** True for a key that is there with the value null. */
  boolean isNull(String key) {
    JsonNode value = node.get(key);
    return value != null && value.isNull();
  }

  JsonNode get(String key) {
    return node.get(key);
  }

  int requiredInt(String key, int min, int max) {
    if (!has(key)) {
      problems.add(
          where + " lacks " + key + " (" + min + " to " + max + "): add the published value.");
      return min;
    }
    return intOr(key, min, min, max);
  }

  int intOr(String key, int fallback, int min, int max) {
    if (!has(key)) {
      return fallback;
    }
    JsonNode value = node.get(key);
    boolean integral = value.isNumber() && value.canConvertToExactIntegral();
    if (!integral || !value.canConvertToInt() || value.intValue() < min || value.intValue() > max) {
      refuse(key, value, "a whole number from " + min + " to " + max);
      return fallback;
    }
    return value.intValue();
  }

  double doubleOr(String key, double fallback, double min, double max) {
    if (!has(key)) {
      return fallback;
    }
    JsonNode value = node.get(key);
    double number = value.isNumber() ? value.doubleValue() : Double.NaN;
    if (!(number >= min && number <= max)) {
      refuse(key, value, "a number from " + min + " to " + max);
      return fallback;
    }
    return number;
  }

  double requiredDouble(String key, double min, double max) {
    if (!has(key)) {
      problems.add(
          where + " lacks " + key + " (" + min + " to " + max + "): add the published value.");
      return min;
    }
    return doubleOr(key, min, min, max);
  }

  OptionalDouble optionalDouble(String key, double min, double max) {
    return has(key) ? OptionalDouble.of(doubleOr(key, min, min, max)) : OptionalDouble.empty();
  }

  boolean booleanOr(String key, boolean fallback) {
    if (!has(key)) {
      return fallback;
    }
    JsonNode value = node.get(key);
    if (!value.isBoolean()) {
      refuse(key, value, "true or false");
      return fallback;
    }
    return value.booleanValue();
  }

  String stringOr(String key, String fallback) {
    if (!has(key)) {
      return fallback;
    }
    JsonNode value = node.get(key);
    if (!value.isTextual()) {
      refuse(key, value, "a string");
      return fallback;
    }
    return value.textValue();
  }

  /** A token id, a list of token ids, or nothing. */
  List<Integer> tokenIds(String key, int vocabSize) {
    if (!has(key)) {
      return List.of();
    }
    JsonNode value = node.get(key);
    List<Integer> ids = new ArrayList<>();
    for (JsonNode id : value.isArray() ? value : List.of(value)) {
      boolean whole = id.isIntegralNumber() && id.canConvertToInt();
      if (!whole || id.intValue() < 0 || id.intValue() >= vocabSize || ids.size() >= 1024) {
        refuse(key, value, "token ids from 0 to " + (vocabSize - 1) + " (vocab_size - 1)");
        return List.of();
      }
      ids.add(id.intValue());
    }
    return ids;
  }

  List<Double> doubles(String key, int count, double min, double max) {
    JsonNode value = node.get(key);
    List<Double> out = new ArrayList<>();
    if (value != null && value.isArray() && value.size() == count) {
      for (JsonNode item : value) {
        double number = item.isNumber() ? item.doubleValue() : Double.NaN;
        if (number >= min && number <= max) {
          out.add(number);
        }
      }
    }
    if (out.size() != count) {
      refuse(key, value, "a list of " + count + " numbers from " + min + " to " + max);
    }
    return out;
  }

  void refuse(String key, JsonNode value, String allowed) {
    String shown =
        value == null
            ? "absent"
            : value.isContainerNode()
                ? (value.isArray() ? "a list of " : "an object of ") + value.size()
                : Problems.quote(value.asText());
    problems.add(
        where + ": " + key + " is " + shown + ", allowed is " + allowed + ": correct the file.");
  }
}
