package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SequencedMap;
import java.util.Set;

/**
 * The rules of a JSON schema: one a goal, made when another rule first calls it, so recursion and
 * sharing come by themselves. One compilation.
 */
final class SchemaGrammar {
  private record Pending(Goal goal, int rule) {}

  private final boolean strict;
  private final RuleSet rules;
  private final JsonRules json;
  private final SchemaShapes shapes;
  private final Map<String, Integer> ruleOf = new HashMap<>();
  private final Map<Long, Integer> boundedStrings = new HashMap<>();
  private final Map<Set<String>, Integer> otherKeys = new HashMap<>();
  private final Queue<Pending> pending = new ArrayDeque<>();

  private SchemaGrammar(GrammarSpec.JsonSchema spec, RuleSet rules, SchemaDocument document) {
    this.strict = spec.strict();
    this.rules = rules;
    this.json = new JsonRules(rules, spec.whitespace());
    this.shapes = new SchemaShapes(document, rules.budget());
  }

  static Automaton compile(GrammarSpec.JsonSchema spec, RuleSet rules) {
    SchemaDocument document = SchemaDocument.parse(spec.schema());
    SchemaGrammar grammar = new SchemaGrammar(spec, rules, document);
    int root = grammar.rule(Goal.of(document.root()));
    while (!grammar.pending.isEmpty()) {
      Pending next = grammar.pending.remove();
      grammar.define(next.goal(), next.rule());
    }
    return rules.link(root);
  }

  private int rule(Goal goal) {
    if (goal.parts().isEmpty()) {
      return json.value();
    }
    return ruleOf.computeIfAbsent(
        goal.key(),
        key -> {
          int rule = rules.reserve();
          pending.add(new Pending(goal, rule));
          return rule;
        });
  }

  private void define(Goal goal, int rule) {
    Nfa body = rules.builder();
    List<Shape> all = shapes.of(goal);
    if (isEverything(all)) {
      body.call(Nfa.START, json.value(), Nfa.END);
    } else {
      for (Shape shape : all) {
        emit(shape, body);
      }
    }
    rules.define(rule, body);
  }

  private static boolean isEverything(List<Shape> shapes) {
    Set<Class<?>> free = new HashSet<>();
    for (Shape shape : shapes) {
      boolean isFree =
          switch (shape) {
            case Shape.Null ignored -> true;
            case Shape.Bool ignored -> true;
            case Shape.Literal ignored -> false;
            case Shape.Numbers numbers -> numbers.isFree() && !numbers.integer();
            case Shape.Strings strings -> strings.isFree();
            case Shape.Arrays arrays -> arrays.isFree();
            case Shape.Objects objects -> objects.isFree();
          };
      if (isFree) {
        free.add(shape.getClass());
      }
    }
    return free.size() == 6;
  }

  private void emit(Shape shape, Nfa body) {
    switch (shape) {
      case Shape.Null ignored -> body.epsilon(body.ascii(Nfa.START, "null"), Nfa.END);
      case Shape.Bool ignored -> {
        body.epsilon(body.ascii(Nfa.START, "true"), Nfa.END);
        body.epsilon(body.ascii(Nfa.START, "false"), Nfa.END);
      }
      case Shape.Literal literal -> json.literal(body, Nfa.START, literal.value(), Nfa.END);
      case Shape.Numbers numbers -> emit(numbers, body);
      case Shape.Strings strings -> emit(strings, body);
      case Shape.Arrays arrays -> emit(arrays, body);
      case Shape.Objects objects -> emit(objects, body);
    }
  }

  private void emit(Shape.Numbers numbers, Nfa body) {
    if (numbers.isFree()) {
      body.call(Nfa.START, numbers.integer() ? json.integer() : json.number(), Nfa.END);
    } else {
      RangeDfa text = NumberRange.of(numbers, rules.budget());
      new TextEncoder(body, false).text(text, Nfa.START, Nfa.END);
    }
  }

  private void emit(Shape.Strings strings, Nfa body) {
    if (strings.min() > strings.max()) {
      return;
    }
    if (strings.texts().isEmpty()) {
      rules.budget().checkStates(strings.max() == Integer.MAX_VALUE ? 0 : strings.max());
      rules.budget().checkStates(strings.min());
      long key = (long) strings.min() << 32 | strings.max();
      Integer rule = boundedStrings.get(key);
      if (rule == null) {
        rule = json.string(strings.min(), strings.max());
        boundedStrings.put(key, rule);
      }
      body.call(Nfa.START, rule, Nfa.END);
      return;
    }
    RangeDfa text =
        strings.min() == 0 && strings.max() == Integer.MAX_VALUE ? null : length(strings);
    for (RangeDfa each : strings.texts()) {
      text = text == null ? each : RangeDfa.intersect(text, each, rules.budget());
    }
    int end = body.state();
    body.range(end, '"', '"', Nfa.END);
    new TextEncoder(body, true).text(text, body.ascii(Nfa.START, "\""), end);
  }

  /** Texts of a length between the bounds. */
  private RangeDfa length(Shape.Strings strings) {
    boolean bounded = strings.max() != Integer.MAX_VALUE;
    int last = bounded ? strings.max() : strings.min();
    rules.budget().checkStates(last);
    RangeDfa out = new RangeDfa();
    int[] all = CodePoints.ALL.pairs();
    for (int i = 0; i <= last; i++) {
      int to = i < last ? i + 1 : i;
      int[] ranges = {all[0], all[1], to, all[2], all[3], to};
      out.add(i == last && bounded ? new int[0] : ranges, new int[0], i >= strings.min());
    }
    return out;
  }

  private void emit(Shape.Arrays arrays, Nfa body) {
    int open = json.blank(body, body.ascii(Nfa.START, "["));
    if (arrays.min() == 0) {
      body.range(open, ']', ']', Nfa.END);
    }
    boolean closed = isNothing(arrays.rest());
    boolean bounded = closed || arrays.max() != Integer.MAX_VALUE;
    int last =
        bounded
            ? Math.min(arrays.max(), closed ? arrays.prefix().size() : Integer.MAX_VALUE)
            : Math.max(1, Math.max(arrays.prefix().size(), arrays.min()));
    rules.budget().checkStates(last);
    int behind = Nfa.NONE;
    for (int i = 0; i < last; i++) {
      int from = i == 0 ? open : json.blank(body, body.ascii(behind, ","));
      behind = body.state();
      body.call(from, rule(arrays.item(i)), behind);
      if (i + 1 >= arrays.min()) {
        body.range(json.blank(body, behind), ']', ']', Nfa.END);
      }
    }
    if (!bounded) {
      body.call(json.blank(body, body.ascii(behind, ",")), rule(arrays.rest()), behind);
    }
  }

  private static boolean isNothing(Goal goal) {
    for (Goal.Part part : goal.parts()) {
      JsonNode node = part.node();
      if (node.isBoolean() && !node.booleanValue()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Members in the order of the schema, then others. {@code first} stands where nothing is written
   * yet, {@code rest} behind a member; a member that may be left out is stepped over by {@code
   * rest}, so after a comma there is always a member.
   */
  private void emit(Shape.Objects objects, Nfa body) {
    if (objects.isFree()) {
      json.anyObject(body);
      return;
    }
    SequencedMap<String, Goal> members = new LinkedHashMap<>(objects.properties());
    objects.required().forEach(name -> members.computeIfAbsent(name, objects::property));
    int first = json.blank(body, body.ascii(Nfa.START, "{"));
    int rest = Nfa.NONE;
    for (Map.Entry<String, Goal> member : members.entrySet()) {
      boolean required = objects.required().contains(member.getKey());
      int name = memberStart(body, first, rest);
      int colon = body.ascii(body.bytes(name, TextEncoder.quoted(member.getKey())), ":");
      int behind = body.state();
      body.call(json.blank(body, colon), rule(member.getValue()), behind);
      if (required) {
        first = Nfa.NONE;
      } else if (rest != Nfa.NONE) {
        body.epsilon(rest, behind);
      }
      rest = behind;
    }
    boolean closed = objects.additional() == null && strict && !objects.properties().isEmpty();
    Goal others = objects.additional() == null ? Goal.ANY : objects.additional();
    if (!closed && !isNothing(others)) {
      int behind = body.state();
      if (rest != Nfa.NONE) {
        body.epsilon(rest, behind);
      }
      int name = memberStart(body, first, behind);
      int colon = body.state();
      body.call(name, otherKey(members.keySet()), colon);
      body.call(json.blank(body, body.ascii(colon, ":")), rule(others), behind);
      rest = behind;
    }
    if (first != Nfa.NONE) {
      body.range(first, '}', '}', Nfa.END);
    }
    if (rest != Nfa.NONE) {
      body.range(json.blank(body, rest), '}', '}', Nfa.END);
    }
  }

  private int memberStart(Nfa body, int first, int rest) {
    int name = body.state();
    if (first != Nfa.NONE) {
      body.epsilon(first, name);
    }
    if (rest != Nfa.NONE) {
      body.epsilon(json.blank(body, body.ascii(rest, ",")), name);
    }
    return name;
  }

  /** Names other than some given ones, in canonical spelling so that none is spelled otherwise. */
  private int otherKey(Set<String> names) {
    if (names.isEmpty()) {
      return json.string();
    }
    Integer known = otherKeys.get(names);
    if (known != null) {
      return known;
    }
    int rule = rules.reserve();
    Nfa body = rules.builder();
    int end = body.state();
    body.range(end, '"', '"', Nfa.END);
    RangeDfa text = NameComplement.of(new ArrayList<>(names), rules.budget());
    new TextEncoder(body, true).text(text, body.ascii(Nfa.START, "\""), end);
    rules.define(rule, body);
    otherKeys.put(Set.copyOf(names), rule);
    return rule;
  }
}
