package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.runtime.engine.grammar.Goal.Part;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns a goal into a union of shapes: follows references, multiplies out {@code allOf}, {@code
 * anyOf} and {@code oneOf}, filters {@code enum} and {@code const}. Looks no deeper than the value
 * itself, so schemas that recurse through properties or items end; those that come back to
 * themselves at the same value are refused. One compilation.
 */
final class SchemaShapes {
  /** How deep a proof that two branches of {@code oneOf} exclude each other may look. */
  private static final int MAX_PROOF_DEPTH = 6;

  private final SchemaDocument document;
  private final SchemaReader reader;
  private final WorkBudget budget;
  private final Map<String, List<Shape>> inferred = new HashMap<>();
  private final Map<String, List<Shape>> exact = new HashMap<>();

  SchemaShapes(SchemaDocument document, WorkBudget budget) {
    this.document = document;
    this.reader = new SchemaReader(budget);
    this.budget = budget;
  }

  /** What values that meet the goal look like; empty for none. */
  List<Shape> of(Goal goal) {
    return of(goal, true);
  }

  private List<Shape> of(Goal goal, boolean infer) {
    List<Shape> out = null;
    for (Part part : goal.parts()) {
      List<Shape> shapes = of(part, infer, new HashSet<>());
      out = out == null ? shapes : meet(out, shapes, part);
    }
    return out == null ? everything() : out;
  }

  private static List<Shape> everything() {
    return List.of(
        new Shape.Null(),
        new Shape.Bool(),
        Shape.Numbers.ALL,
        Shape.Strings.ALL,
        Shape.Arrays.ALL,
        Shape.Objects.ALL);
  }

  private List<Shape> of(Part part, boolean infer, Set<String> open) {
    if (part.node().isBoolean()) {
      return part.node().booleanValue() ? everything() : List.of();
    }
    if (!part.node().isObject()) {
      throw SchemaReader.refuse(part, "is neither object nor boolean", "give a schema");
    }
    Map<String, List<Shape>> known = infer ? inferred : exact;
    List<Shape> out = known.get(part.pointer());
    if (out == null) {
      if (!open.add(part.pointer())) {
        throw SchemaReader.refuse(
            part,
            "leads back to itself by $ref, anyOf, oneOf or allOf without a property or an item in"
                + " between",
            "break the cycle");
      }
      out = combine(part, infer, open);
      open.remove(part.pointer());
      known.put(part.pointer(), out);
    }
    budget.spend(1 + out.size());
    return out;
  }

  private List<Shape> combine(Part part, boolean infer, Set<String> open) {
    JsonNode node = part.node();
    boolean listed = node.has("enum") || node.has("const");
    List<Shape> out = reader.shapes(part, infer && !listed);
    if (node.has("$ref")) {
      if (!node.get("$ref").isTextual()) {
        throw SchemaReader.refuse(part, "has a $ref that is no string", "write #/$defs/NAME");
      }
      Part target = document.resolve(node.get("$ref").textValue(), part);
      out = meet(out, of(target, infer, open), part);
    }
    for (Part branch : branches(part, "allOf")) {
      out = meet(out, of(branch, infer, open), part);
    }
    if (node.has("anyOf")) {
      List<Shape> union = new ArrayList<>();
      for (Part branch : branches(part, "anyOf")) {
        union.addAll(of(branch, infer, open));
        checkCount(union.size(), part);
      }
      out = meet(out, union, part);
    }
    if (node.has("oneOf")) {
      out = oneOf(part, out, infer, open);
    }
    if (listed) {
      out = filter(part, out);
    }
    return out;
  }

  private static List<Part> branches(Part part, String keyword) {
    JsonNode list = part.node().get(keyword);
    if (list == null) {
      return List.of();
    }
    if (!list.isArray() || list.isEmpty()) {
      throw SchemaReader.refuse(
          part, "has an " + keyword + " that is no list of schemas", "give at least one schema");
    }
    List<Part> out = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      out.add(part.child(keyword, Integer.toString(i)));
    }
    return out;
  }

  private void checkCount(long count, Part part) {
    if (count > GrammarLimits.MAX_ALTERNATIVES) {
      throw SchemaReader.refuse(
          part,
          "multiplies out to more than " + GrammarLimits.MAX_ALTERNATIVES + " alternatives",
          "use fewer anyOf, oneOf, allOf or enum entries");
    }
  }

  /** A union, once no value can be of two branches. */
  private List<Shape> oneOf(Part part, List<Shape> base, boolean infer, Set<String> open) {
    List<Part> branches = branches(part, "oneOf");
    List<List<Shape>> exactly = new ArrayList<>();
    List<Shape> union = new ArrayList<>();
    for (int i = 0; i < branches.size(); i++) {
      // What a branch without "type" takes beyond the types it speaks of counts here.
      exactly.add(meet(base, of(branches.get(i), false, open), part));
      union.addAll(of(branches.get(i), infer, open));
      checkCount(union.size(), part);
      for (int j = 0; j < i; j++) {
        if (!exclude(exactly.get(j), exactly.get(i))) {
          throw SchemaReader.refuse(
              part,
              "has oneOf branches " + j + " and " + i + " that one value could both meet",
              "write anyOf, or give the branches different types or a required property with"
                  + " different const values");
        }
      }
    }
    return meet(base, union, part);
  }

  private boolean exclude(List<Shape> a, List<Shape> b) {
    for (Shape s : a) {
      for (Shape t : b) {
        budget.spend(1);
        Shape both = meet(s, t);
        if (both != null && !isEmpty(both, 0)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether there is provably no value of a shape. */
  private boolean isEmpty(Shape shape, int depth) {
    return switch (shape) {
      case Shape.Numbers numbers -> numbers.isEmpty();
      case Shape.Strings strings -> isEmpty(strings);
      case Shape.Arrays arrays -> {
        boolean empty = arrays.min() > arrays.max();
        int known = Math.min(arrays.min(), arrays.prefix().size() + 1);
        for (int i = 0; i < known && !empty; i++) {
          empty = isEmpty(arrays.item(i), depth + 1);
        }
        yield empty;
      }
      case Shape.Objects objects -> {
        boolean empty = false;
        for (String name : objects.required()) {
          empty |= isEmpty(objects.property(name), depth + 1);
        }
        yield empty;
      }
      default -> false;
    };
  }

  private boolean isEmpty(Shape.Strings strings) {
    if (strings.min() > strings.max()) {
      return true;
    }
    RangeDfa all = null;
    for (RangeDfa text : strings.texts()) {
      all = all == null ? text : RangeDfa.intersect(all, text, budget);
    }
    return all != null && all.isEmpty();
  }

  private boolean isEmpty(Goal goal, int depth) {
    if (depth > MAX_PROOF_DEPTH) {
      return false;
    }
    for (Shape shape : of(goal, false)) {
      if (!isEmpty(shape, depth)) {
        return false;
      }
    }
    return true;
  }

  private List<Shape> filter(Part part, List<Shape> shapes) {
    JsonNode list = part.node().get("enum");
    if (list != null && !list.isArray()) {
      throw SchemaReader.refuse(part, "has an enum that is no list", "give a list of values");
    }
    JsonNode single = part.node().get("const");
    List<Shape> out = new ArrayList<>();
    for (JsonNode value : list == null ? List.of(single) : list) {
      boolean meant = single == null || Literals.equal(single, value);
      if (meant && shapes.stream().anyMatch(shape -> contains(shape, value))) {
        out.add(new Shape.Literal(value));
        checkCount(out.size(), part);
      }
      budget.spend(1 + shapes.size());
    }
    return out;
  }

  /** Values of both unions. */
  private List<Shape> meet(List<Shape> a, List<Shape> b, Part part) {
    List<Shape> out = new ArrayList<>();
    for (Shape s : a) {
      for (Shape t : b) {
        budget.spend(1);
        Shape both = meet(s, t);
        if (both != null) {
          out.add(both);
        }
      }
      checkCount(out.size(), part);
    }
    return out;
  }

  /** Values of both shapes; null if their kinds exclude each other. */
  private Shape meet(Shape a, Shape b) {
    if (a instanceof Shape.Literal literal) {
      return contains(b, literal.value()) ? a : null;
    }
    if (b instanceof Shape.Literal literal) {
      return contains(a, literal.value()) ? b : null;
    }
    return switch (a) {
      case Shape.Null x when b instanceof Shape.Null -> x;
      case Shape.Bool x when b instanceof Shape.Bool -> x;
      case Shape.Numbers x when b instanceof Shape.Numbers y -> x.and(y);
      case Shape.Strings x when b instanceof Shape.Strings y -> x.and(y);
      case Shape.Arrays x when b instanceof Shape.Arrays y -> x.and(y);
      case Shape.Objects x when b instanceof Shape.Objects y -> x.and(y);
      default -> null;
    };
  }

  private boolean contains(Shape shape, JsonNode value) {
    budget.spend(1);
    return switch (shape) {
      case Shape.Null ignored -> value.isNull();
      case Shape.Bool ignored -> value.isBoolean();
      case Shape.Literal literal -> Literals.equal(literal.value(), value);
      case Shape.Numbers numbers -> value.isNumber() && numbers.contains(value.decimalValue());
      case Shape.Strings strings -> value.isTextual() && strings.contains(value.textValue());
      case Shape.Arrays arrays -> value.isArray() && containsItems(arrays, value);
      case Shape.Objects objects -> value.isObject() && containsMembers(objects, value);
    };
  }

  private boolean containsItems(Shape.Arrays arrays, JsonNode value) {
    boolean fits = value.size() >= arrays.min() && value.size() <= arrays.max();
    for (int i = 0; i < value.size() && fits; i++) {
      fits = contains(arrays.item(i), value.get(i));
    }
    return fits;
  }

  private boolean containsMembers(Shape.Objects objects, JsonNode value) {
    boolean fits = objects.required().stream().allMatch(value::has);
    for (Map.Entry<String, JsonNode> member : value.properties()) {
      fits = fits && contains(objects.property(member.getKey()), member.getValue());
    }
    return fits;
  }

  private boolean contains(Goal goal, JsonNode value) {
    return of(goal, false).stream().anyMatch(shape -> contains(shape, value));
  }
}
