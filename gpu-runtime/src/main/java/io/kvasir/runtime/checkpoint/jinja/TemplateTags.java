package io.kvasir.runtime.checkpoint.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code if} with Python's truth and {@code for} with a condition, an else branch, unpacking and a
 * scope per turn. Stateless; what a loop is doing lives in its variable {@code loop}.
 */
final class TemplateTags {
  static final String PRINT = "kv_print";
  private static final String LOOP = "loop";
  private static final String INTERRUPT = "kv_interrupt";

  private TemplateTags() {}

  static List<Tag> all() {
    return List.of(
        new Print(), new If(), new For(), new Interrupt("break"), new Interrupt("continue"));
  }

  /** A variable scope that ends with the block. */
  private static void scoped(JinjavaInterpreter in, Runnable body) {
    var scope = in.enterNonStackingScope();
    try {
      body.run();
    } finally {
      scope.close();
    }
  }

  private static void render(List<Node> nodes, JinjavaInterpreter in, StringBuilder out) {
    for (Node node : nodes) {
      if (in.getContext().get(LOOP) instanceof Map<?, ?> loop && loop.get(INTERRUPT) != null) {
        return;
      }
      out.append(node.render(in).getValue());
    }
  }

  /** An expression, printed as Python prints it. */
  private static final class Print implements Tag {
    private static final long serialVersionUID = 1L;

    @Override
    public String getName() {
      return PRINT;
    }

    @Override
    public String getEndTagName() {
      return null;
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter in) {
      return PythonText.str(in.resolveELExpression(tag.getHelpers(), tag.getLineNumber()));
    }
  }

  private static final class If implements Tag {
    private static final long serialVersionUID = 1L;

    @Override
    public String getName() {
      return "if";
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter in) {
      StringBuilder out = new StringBuilder();
      boolean taken = holds(tag, in);
      List<Node> branch = new ArrayList<>();
      for (Node child : tag.getChildren()) {
        if (child instanceof TagNode t && List.of("elif", "else").contains(t.getName())) {
          if (taken) {
            break;
          }
          taken = t.getName().equals("else") || holds(t, in);
        } else if (taken) {
          branch.add(child);
        }
      }
      render(branch, in, out);
      return out.toString();
    }

    private static boolean holds(TagNode tag, JinjavaInterpreter in) {
      return TemplateFunctions.truth(in.resolveELExpression(tag.getHelpers(), tag.getLineNumber()));
    }
  }

  /** {@code for TARGETS in ITEMS kv_if CONDITION}, as {@link JinjaTemplate} writes it. */
  private static final class For implements Tag {
    private static final long serialVersionUID = 1L;

    @Override
    public String getName() {
      return "for";
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter in) {
      String helpers = tag.getHelpers();
      int split = helpers.indexOf(" in ");
      int condition = helpers.indexOf(JinjaTemplate.FOR_IF);
      String[] targets = helpers.substring(0, split).replaceAll("[() ]", "").split(",");
      String items = helpers.substring(split + 4, condition < 0 ? helpers.length() : condition);
      int line = tag.getLineNumber();
      List<Object> turns = list(in.resolveELExpression(items, line));
      if (condition >= 0) {
        String test = helpers.substring(condition + JinjaTemplate.FOR_IF.length());
        turns.removeIf(item -> !selected(targets, item, test, line, in));
      }
      List<Node> body = new ArrayList<>();
      List<Node> otherwise = new ArrayList<>();
      List<Node> target = body;
      for (Node child : tag.getChildren()) {
        if (child instanceof TagNode t && t.getName().equals("else")) {
          target = otherwise;
        } else {
          target.add(child);
        }
      }
      StringBuilder out = new StringBuilder();
      if (turns.isEmpty()) {
        render(otherwise, in, out);
      } else {
        loop(turns, targets, body, in, out);
      }
      return out.toString();
    }

    private static boolean selected(
        String[] targets, Object item, String test, int line, JinjavaInterpreter in) {
      boolean[] holds = {false};
      scoped(
          in,
          () -> {
            bind(targets, item, in);
            holds[0] = TemplateFunctions.truth(in.resolveELExpression(test, line));
          });
      return holds[0];
    }

    private static void loop(
        List<Object> turns,
        String[] targets,
        List<Node> body,
        JinjavaInterpreter in,
        StringBuilder out) {
      int count = turns.size();
      for (int i = 0; i < count; i++) {
        Map<String, Object> loop = new LinkedHashMap<>();
        loop.put("index", (long) i + 1);
        loop.put("index0", (long) i);
        loop.put("revindex", (long) count - i);
        loop.put("revindex0", (long) count - i - 1);
        loop.put("length", (long) count);
        loop.put("first", i == 0);
        loop.put("last", i == count - 1);
        loop.put("previtem", i == 0 ? null : turns.get(i - 1));
        loop.put("nextitem", i == count - 1 ? null : turns.get(i + 1));
        Object item = turns.get(i);
        scoped(
            in,
            () -> {
              in.getContext().put(LOOP, loop);
              bind(targets, item, in);
              render(body, in, out);
            });
        if ("break".equals(loop.get(INTERRUPT))) {
          return;
        }
      }
    }

    private static void bind(String[] targets, Object item, JinjavaInterpreter in) {
      if (targets.length == 1) {
        in.getContext().put(targets[0], item);
        return;
      }
      List<Object> parts = list(item);
      if (parts.size() != targets.length) {
        throw new TemplateException(
            "a loop unpacks " + targets.length + " names from " + parts.size() + " values", false);
      }
      for (int i = 0; i < targets.length; i++) {
        in.getContext().put(targets[i], parts.get(i));
      }
    }

    private static List<Object> list(Object value) {
      return switch (value) {
        case null -> new ArrayList<>();
        case Map<?, ?> map -> new ArrayList<>(map.keySet());
        case Map.Entry<?, ?> entry ->
            new ArrayList<>(Arrays.asList(entry.getKey(), entry.getValue()));
        case String text ->
            new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
        case Iterable<?> items -> {
          List<Object> out = new ArrayList<>();
          items.forEach(out::add);
          yield out;
        }
        default -> throw new TemplateException("a loop runs over " + value, false);
      };
    }
  }

  /** Ends the turn; the loop sees which it was. */
  private static final class Interrupt implements Tag {
    private static final long serialVersionUID = 1L;

    private final String name;

    Interrupt(String name) {
      this.name = name;
    }

    @Override
    public String getName() {
      return name;
    }

    @Override
    public String getEndTagName() {
      return null;
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter in) {
      if (!(in.getContext().get(LOOP) instanceof LinkedHashMap<?, ?> loop)) {
        throw new TemplateException(name + " stands outside a loop", false);
      }
      @SuppressWarnings("unchecked")
      Map<String, Object> state = (Map<String, Object>) loop;
      state.put(INTERRUPT, name);
      return "";
    }
  }
}
