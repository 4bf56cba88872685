package io.kvasir.runtime.checkpoint.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How Python writes values: {@code str}, {@code repr} and {@code json.dumps}. Stateless. */
final class PythonText {
  private PythonText() {}

  static String str(Object value) {
    return switch (value) {
      case null -> "";
      case Boolean flag -> flag ? "True" : "False";
      case List<?> list -> repr(list);
      case Map<?, ?> map -> repr(map);
      case Double number -> number(number);
      default -> value.toString();
    };
  }

  private static String repr(Object value) {
    return switch (value) {
      case String text -> quote(text);
      case List<?> list ->
          "[" + String.join(", ", list.stream().map(PythonText::repr).toList()) + "]";
      case Map<?, ?> map -> {
        List<String> entries = new ArrayList<>();
        map.forEach((k, v) -> entries.add(repr(k) + ": " + repr(v)));
        yield "{" + String.join(", ", entries) + "}";
      }
      case null, default -> str(value);
    };
  }

  private static String quote(String text) {
    char mark = text.contains("'") && !text.contains("\"") ? '"' : '\'';
    String body = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t");
    body = body.replace("\r", "\\r");
    return mark + (mark == '\'' ? body.replace("'", "\\'") : body) + mark;
  }

  private static String number(double value) {
    return Double.toString(value).replace("E", "e");
  }

  /**
   * JSON with Python's separators.
   *
   * @param indent blanks per level, negative for one line
   */
  static String json(Object value, int indent) {
    StringBuilder out = new StringBuilder();
    json(value, indent, 0, out);
    return out.toString();
  }

  private static void json(Object value, int indent, int level, StringBuilder out) {
    switch (value) {
      case null -> out.append("null");
      case PythonNone ignored -> out.append("null");
      case Boolean flag -> out.append(flag);
      case Number number -> out.append(str(number));
      case Map<?, ?> map -> {
        boolean first = true;
        out.append('{');
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          separate(first, indent, level + 1, out);
          jsonString(str(entry.getKey()), out);
          out.append(": ");
          json(entry.getValue(), indent, level + 1, out);
          first = false;
        }
        end(map.isEmpty(), indent, level, out);
        out.append('}');
      }
      case Iterable<?> items -> {
        boolean first = true;
        out.append('[');
        for (Object item : items) {
          separate(first, indent, level + 1, out);
          json(item, indent, level + 1, out);
          first = false;
        }
        end(first, indent, level, out);
        out.append(']');
      }
      default -> jsonString(value.toString(), out);
    }
  }

  private static void separate(boolean first, int indent, int level, StringBuilder out) {
    if (indent >= 0) {
      out.append(first ? "\n" : ",\n").append(" ".repeat(indent * level));
    } else if (!first) {
      out.append(", ");
    }
  }

  private static void end(boolean empty, int indent, int level, StringBuilder out) {
    if (indent >= 0 && !empty) {
      out.append('\n').append(" ".repeat(indent * level));
    }
  }

  private static void jsonString(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
