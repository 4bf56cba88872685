package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** What a value must satisfy: all of some subschemas of one document. Empty means anything. */
record Goal(List<Part> parts) {
  /**
   * A subschema.
   *
   * @param pointer its JSON pointer, by which parts of one document are told apart
   */
  record Part(String pointer, JsonNode node) {
    /** How messages name it. */
    String where() {
      return "the schema at " + (pointer.isEmpty() ? "its root" : pointer);
    }

    Part child(String... steps) {
      String to = pointer;
      JsonNode at = node;
      for (String step : steps) {
        to += "/" + step.replace("~", "~0").replace("/", "~1");
        at = at.isArray() ? at.get(Integer.parseInt(step)) : at.get(step);
      }
      return new Part(to, at);
    }
  }

  static final Goal ANY = new Goal(List.of());
  static final Goal NOTHING = new Goal(List.of(new Part("(none)", BooleanNode.FALSE)));

  static Goal of(Part part) {
    return new Goal(List.of(part));
  }

  Goal and(Goal other) {
    if (parts.isEmpty() || other.parts.isEmpty()) {
      return parts.isEmpty() ? other : this;
    }
    List<Part> all = new ArrayList<>(parts);
    for (Part part : other.parts) {
      if (all.stream().noneMatch(p -> p.pointer().equals(part.pointer()))) {
        all.add(part);
      }
    }
    all.sort(Comparator.comparing(Part::pointer));
    return new Goal(all);
  }

  /** Equal for goals of the same parts. */
  String key() {
    return parts.stream().map(Part::pointer).collect(Collectors.joining("\n"));
  }
}
