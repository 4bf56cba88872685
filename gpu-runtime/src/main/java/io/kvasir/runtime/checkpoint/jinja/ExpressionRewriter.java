package io.kvasir.runtime.checkpoint.jinja;

import io.kvasir.runtime.checkpoint.jinja.TemplateTokens.Kind;
import io.kvasir.runtime.checkpoint.jinja.TemplateTokens.Token;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Rewrites expressions from Python's Jinja to what Jinjava evaluates alike:
 *
 * <ul>
 *   <li>string literals become variables, since their escapes differ;
 *   <li>{@code None} becomes a value of its own, since Jinjava takes it for undefined;
 *   <li>{@code not}, {@code and}, {@code or} and conditions get Python's precedence and truth;
 *   <li>slices become method calls, grouping parentheses a function, since Jinjava knows no steps
 *       and takes any comma in parentheses for a tuple.
 * </ul>
 *
 * Adds the literals to the map it was given. Not thread-safe.
 */
final class ExpressionRewriter {
  static final String NONE = "kv_none";
  static final String SLICE = "kv_slice";
  static final String WITH = "kv_with";
  static final String SAME = "kv_id";
  static final String TRUE = "kv_true";
  static final String NOT = "kv_not";
  private static final String STRING_PREFIX = "kv_s";
  private static final int MAX_DEPTH = 200;

  private final Map<String, Object> literals;
  private int depth;

  ExpressionRewriter(Map<String, Object> literals) {
    this.literals = literals;
  }

  /** The name of a variable that holds a text. */
  String literal(String value) {
    String name = STRING_PREFIX + literals.size();
    literals.put(name, value);
    return name;
  }

  /** An expression whose value counts. */
  String value(List<Token> t) {
    if (++depth > MAX_DEPTH) {
      throw new TemplateException("an expression is nested too deeply", false);
    }
    try {
      int condition = TemplateTokens.find(t, "if", 0);
      if (condition > 0) {
        int otherwise = TemplateTokens.find(t, "else", condition);
        int end = otherwise < 0 ? t.size() : otherwise;
        return value(t.subList(0, condition))
            + " if "
            + truth(t.subList(condition + 1, end))
            + (otherwise < 0 ? "" : " else " + value(t.subList(otherwise + 1, t.size())));
      }
      // Python's "or" and "and" give one of their operands, not a boolean.
      int or = TemplateTokens.find(t, "or", 0);
      if (or > 0) {
        return choice(t.subList(0, or), t.subList(0, or), t.subList(or + 1, t.size()));
      }
      int and = TemplateTokens.find(t, "and", 0);
      if (and > 0) {
        return choice(t.subList(0, and), t.subList(and + 1, t.size()), t.subList(0, and));
      }
      if (!t.isEmpty() && t.get(0).is("not")) {
        return NOT + "(" + truth(t.subList(1, t.size())) + ")";
      }
      return operand(t);
    } finally {
      depth--;
    }
  }

  private String choice(List<Token> condition, List<Token> then, List<Token> otherwise) {
    return SAME + "(" + value(then) + " if " + truth(condition) + " else " + value(otherwise) + ")";
  }

  /** An expression of which only Python's truth counts. */
  String truth(List<Token> t) {
    boolean grouped =
        !t.isEmpty()
            && t.get(0).is("(")
            && TemplateTokens.matching(t, 0) == t.size() - 1
            && TemplateTokens.find(t.subList(1, t.size() - 1), ",", 0) < 0;
    if (grouped) {
      return truth(t.subList(1, t.size() - 1));
    }
    if (TemplateTokens.find(t, "if", 0) < 0) {
      for (String operator : List.of("or", "and")) {
        List<List<Token>> parts = TemplateTokens.split(t, operator);
        if (parts.size() > 1) {
          List<String> rewritten = parts.stream().map(this::truth).toList();
          return SAME + "(" + String.join(" " + operator + " ", rewritten) + ")";
        }
      }
      if (!t.isEmpty() && t.get(0).is("not")) {
        return NOT + "(" + truth(t.subList(1, t.size())) + ")";
      }
    }
    return TRUE + "(" + value(t) + ")";
  }

  /** Everything that binds tighter than {@code not}, token by token. */
  private String operand(List<Token> t) {
    StringBuilder out = new StringBuilder();
    int start = 0;
    boolean filtered = false;
    for (int i = 0; i < t.size(); i++) {
      Token token = t.get(i);
      Token before = i == 0 ? new Token(Kind.SIGN, "") : t.get(i - 1);
      if (token.opens()) {
        int close = TemplateTokens.matching(t, i);
        boolean postfix = before.endsOperand();
        bracket(token.text(), t.subList(i + 1, close), postfix, out);
        i = close;
        continue;
      }
      if (token.is("is") && filtered) {
        // Jinjava has no test behind a filter.
        out.insert(start, SAME + "(").append(") ");
      }
      boolean attribute = before.is(".");
      out.append(
          switch (token.kind()) {
            case STRING -> literal(token.text());
            case NAME -> attribute ? token.text() : name(t, i);
            default -> token.text();
          });
      boolean tight = token.is(".") || (i + 1 < t.size() && t.get(i + 1).is("."));
      out.append(tight ? "" : " ");
      boolean separates = token.kind() == Kind.SIGN && !token.is(".") && !token.is("|");
      if (separates || token.isKeyword()) {
        start = out.length();
        filtered = false;
      }
      filtered |= token.is("|");
    }
    return out.toString();
  }

  private String name(List<Token> t, int i) {
    String name = t.get(i).text();
    boolean afterNot = i > 1 && t.get(i - 1).is("not") && t.get(i - 2).is("is");
    if ((i > 0 && t.get(i - 1).is("is")) || afterNot) {
      return name.toLowerCase(Locale.ROOT);
    }
    return switch (name) {
      case "none", "None" -> NONE;
      case "True" -> "true";
      case "False" -> "false";
      default -> name;
    };
  }

  private void bracket(String open, List<Token> inside, boolean postfix, StringBuilder out) {
    if (postfix && !out.isEmpty() && out.charAt(out.length() - 1) == ' ') {
      out.setLength(out.length() - 1);
    }
    List<List<Token>> parts = TemplateTokens.split(inside, ",");
    switch (open) {
      case "(" -> {
        boolean group = !postfix && parts.size() == 1 && !inside.isEmpty();
        out.append(group ? SAME + "(" : "(").append(list(parts, postfix)).append(") ");
      }
      case "[" -> {
        List<List<Token>> bounds = TemplateTokens.split(inside, ":");
        if (postfix && bounds.size() > 1) {
          out.append(slice(bounds));
        } else {
          out.append('[').append(list(parts, false)).append("] ");
        }
      }
      default -> {
        // Entry by entry: a comma in braces inside parentheses would make a tuple.
        out.append("{ }");
        for (List<Token> part : parts) {
          List<List<Token>> pair = TemplateTokens.split(part, ":");
          if (pair.size() == 2) {
            String entry = value(pair.get(0)) + ", " + value(pair.get(1));
            out.append('.').append(WITH).append('(').append(entry).append(')');
          }
        }
        out.append(' ');
      }
    }
  }

  private String list(List<List<Token>> parts, boolean arguments) {
    List<String> out = new ArrayList<>();
    for (List<Token> part : parts) {
      boolean named = arguments && part.size() > 2 && part.get(1).is("=");
      if (named) {
        // Jinjava binds "=" tighter than any operator.
        out.add(part.get(0).text() + "=" + argument(part.subList(2, part.size())));
      } else if (!part.isEmpty()) {
        out.add(value(part).strip());
      }
    }
    return String.join(", ", out);
  }

  private String argument(List<Token> t) {
    boolean simple =
        t.size() == 1 || (t.get(0).opens() && TemplateTokens.matching(t, 0) == t.size() - 1);
    return simple ? value(t).strip() : SAME + "(" + value(t) + ")";
  }

  private String slice(List<List<Token>> parts) {
    List<String> bounds = new ArrayList<>();
    for (int p = 0; p < 3; p++) {
      boolean given = p < parts.size() && !parts.get(p).isEmpty();
      bounds.add(given ? value(parts.get(p)).strip() : NONE);
    }
    return "." + SLICE + "(" + String.join(", ", bounds) + ") ";
  }

  /** {@code TARGETS = VALUES}, or what opens a block that is assigned. */
  String assignment(List<Token> t) {
    int equals = TemplateTokens.find(t, "=", 0);
    if (equals < 0) {
      return operand(t);
    }
    List<List<Token>> values = TemplateTokens.split(t.subList(equals + 1, t.size()), ",");
    return operand(t.subList(0, equals)) + "= " + list(values, false);
  }

  /** The header of a macro: a name and parameters, some with defaults. */
  String macroHeader(List<Token> t) {
    int open = TemplateTokens.find(t, "(", 0);
    if (open != 1) {
      throw new TemplateException("a macro lacks its parameters", false);
    }
    List<String> parameters = new ArrayList<>();
    for (List<Token> p : TemplateTokens.split(t.subList(2, TemplateTokens.matching(t, 1)), ",")) {
      if (!p.isEmpty()) {
        boolean preset = p.size() > 2 && p.get(1).is("=");
        parameters.add(
            p.get(0).text() + (preset ? "=" + value(p.subList(2, p.size())).strip() : ""));
      }
    }
    return t.get(0).text() + "(" + String.join(", ", parameters) + ")";
  }
}
