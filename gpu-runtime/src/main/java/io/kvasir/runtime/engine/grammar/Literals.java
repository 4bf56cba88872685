package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/** Equality of JSON values as JSON Schema has it. */
final class Literals {
  private Literals() {}

  /** Numbers are compared by value, objects without regard to order. */
  static boolean equal(JsonNode a, JsonNode b) {
    if (a.isNumber() && b.isNumber()) {
      return a.decimalValue().compareTo(b.decimalValue()) == 0;
    }
    if (a.getNodeType() != b.getNodeType() || a.size() != b.size()) {
      return false;
    }
    if (a.isArray()) {
      boolean same = true;
      for (int i = 0; i < a.size() && same; i++) {
        same = equal(a.get(i), b.get(i));
      }
      return same;
    }
    if (a.isObject()) {
      boolean same = true;
      for (Map.Entry<String, JsonNode> member : a.properties()) {
        JsonNode other = b.get(member.getKey());
        same = same && other != null && equal(member.getValue(), other);
      }
      return same;
    }
    return a.equals(b);
  }
}
