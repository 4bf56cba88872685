package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/** Values of one JSON type, or one value. A schema is a union of shapes. Immutable. */
sealed interface Shape {
  record Null() implements Shape {}

  record Bool() implements Shape {}

  /** One value; equality is JSON Schema's, where 1 and 1.0 are one number. */
  record Literal(JsonNode value) implements Shape {}

  /** Bounds are null where there are none. */
  record Numbers(
      boolean integer, BigDecimal min, boolean minExclusive, BigDecimal max, boolean maxExclusive)
      implements Shape {
    static final Numbers ALL = new Numbers(false, null, false, null, false);

    boolean isFree() {
      return min == null && max == null;
    }

    Numbers and(Numbers o) {
      boolean ownMin = o.min == null || (min != null && compare(min, o.min, minExclusive) > 0);
      boolean ownMax = o.max == null || (max != null && compare(max, o.max, !maxExclusive) < 0);
      return new Numbers(
          integer || o.integer,
          ownMin ? min : o.min,
          ownMin ? minExclusive : o.minExclusive,
          ownMax ? max : o.max,
          ownMax ? maxExclusive : o.maxExclusive);
    }

    private static int compare(BigDecimal a, BigDecimal b, boolean above) {
      int order = a.compareTo(b);
      return order != 0 ? order : above ? 1 : -1;
    }

    boolean contains(BigDecimal v) {
      boolean whole = !integer || v.stripTrailingZeros().scale() <= 0;
      boolean low = min == null || v.compareTo(min) > (minExclusive ? 0 : -1);
      return whole && low && (max == null || v.compareTo(max) < (maxExclusive ? 0 : 1));
    }

    /** Provably no number. */
    boolean isEmpty() {
      if (min == null || max == null) {
        return false;
      }
      int order = min.compareTo(max);
      return order > 0 || (order == 0 && (minExclusive || maxExclusive));
    }
  }

  /**
   * @param max code points; {@link Integer#MAX_VALUE} for no bound
   * @param texts the text must be in each of these
   */
  record Strings(int min, int max, List<RangeDfa> texts) implements Shape {
    static final Strings ALL = new Strings(0, Integer.MAX_VALUE, List.of());

    boolean isFree() {
      return min == 0 && max == Integer.MAX_VALUE && texts.isEmpty();
    }

    Strings and(Strings o) {
      LinkedHashSet<RangeDfa> all = new LinkedHashSet<>(texts);
      all.addAll(o.texts);
      return new Strings(Math.max(min, o.min), Math.min(max, o.max), List.copyOf(all));
    }

    boolean contains(String text) {
      int count = text.codePointCount(0, text.length());
      return count >= min && count <= max && texts.stream().allMatch(t -> t.matches(text));
    }
  }

  /**
   * @param rest goal of items behind the prefix
   */
  record Arrays(List<Goal> prefix, Goal rest, int min, int max) implements Shape {
    static final Arrays ALL = new Arrays(List.of(), Goal.ANY, 0, Integer.MAX_VALUE);

    boolean isFree() {
      return prefix.isEmpty() && rest.parts().isEmpty() && min == 0 && max == Integer.MAX_VALUE;
    }

    Goal item(int index) {
      return index < prefix.size() ? prefix.get(index) : rest;
    }

    Arrays and(Arrays o) {
      List<Goal> items = new java.util.ArrayList<>();
      for (int i = 0; i < Math.max(prefix.size(), o.prefix.size()); i++) {
        items.add(item(i).and(o.item(i)));
      }
      return new Arrays(items, rest.and(o.rest), Math.max(min, o.min), Math.min(max, o.max));
    }
  }

  /**
   * @param properties in the order of the answer
   * @param additional goal of other properties; null where the schema says nothing
   */
  record Objects(SequencedMap<String, Goal> properties, Set<String> required, Goal additional)
      implements Shape {
    static final Objects ALL = new Objects(new LinkedHashMap<>(), Set.of(), null);

    boolean isFree() {
      return properties.isEmpty()
          && required.isEmpty()
          && (additional == null || additional.parts().isEmpty());
    }

    /** What the value of a property must satisfy. */
    Goal property(String name) {
      Goal own = properties.get(name);
      return own != null ? own : additional == null ? Goal.ANY : additional;
    }

    Objects and(Objects o) {
      SequencedMap<String, Goal> all = new LinkedHashMap<>();
      for (Map<String, Goal> names : List.of(properties, o.properties)) {
        names.keySet().forEach(n -> all.computeIfAbsent(n, x -> property(x).and(o.property(x))));
      }
      Set<String> needed = new LinkedHashSet<>(required);
      needed.addAll(o.required);
      Goal others =
          additional == null
              ? o.additional
              : o.additional == null ? additional : additional.and(o.additional);
      return new Objects(all, needed, others);
    }
  }
}
