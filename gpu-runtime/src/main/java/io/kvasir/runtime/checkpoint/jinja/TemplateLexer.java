package io.kvasir.runtime.checkpoint.jinja;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits a template into text, statements and expressions and applies Jinja's white space rules
 * with {@code trim_blocks} and {@code lstrip_blocks} set, as published chat templates expect: a
 * statement or comment alone on its line leaves no trace, {@code -} strips either side, {@code +}
 * keeps it. Comments vanish, {@code raw} blocks become text. Not thread-safe.
 */
final class TemplateLexer {
  enum Kind {
    TEXT,
    STATEMENT,
    EXPRESSION
  }

  /** Text as it will be printed, or the inside of a tag without markers. */
  record Segment(Kind kind, String body) {}

  private final String source;
  private final List<Segment> out = new ArrayList<>();
  private int at;

  /** True where the text before {@link #at} was cut at a line end, so a tag may start its line. */
  private boolean lineStarting = true;

  private TemplateLexer(String source) {
    this.source = source;
  }

  static List<Segment> split(String source) {
    String text = source.replace("\r\n", "\n").replace('\r', '\n');
    // Jinja drops one newline at the very end.
    TemplateLexer lexer =
        new TemplateLexer(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
    lexer.run();
    return lexer.out;
  }

  private void run() {
    while (at < source.length()) {
      int tag = nextTag(at);
      if (tag < 0) {
        text(source.substring(at));
        return;
      }
      char kind = source.charAt(tag + 1);
      char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
      text(stripBefore(source.substring(at, tag), kind, sign));
      int bodyStart = sign == '-' || sign == '+' ? tag + 3 : tag + 2;
      int end = kind == '#' ? source.indexOf("#}", bodyStart) : tagEnd(bodyStart, kind);
      if (end < 0) {
        throw new TemplateException("a tag that starts with {" + kind + " never ends", false);
      }
      boolean signed = end > bodyStart && "-+".indexOf(source.charAt(end - 1)) >= 0;
      String body = source.substring(bodyStart, signed ? end - 1 : end).strip();
      skipAfter(end + 2, kind, signed ? source.charAt(end - 1) : ' ');
      if (kind == '%' && body.equals("raw")) {
        raw();
      } else if (kind != '#') {
        out.add(new Segment(kind == '%' ? Kind.STATEMENT : Kind.EXPRESSION, body));
      }
    }
  }

  private int nextTag(int from) {
    for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Index of the closing marker, quotes and nested braces skipped; -1 if there is none. */
  private int tagEnd(int from, char kind) {
    char close = kind == '%' ? '%' : '}';
    int depth = 0;
    for (int i = from; i + 1 < source.length(); i++) {
      char c = source.charAt(i);
      if (c == '\'' || c == '"') {
        i = stringEnd(source, i) - 1;
      } else if (depth == 0 && c == close && source.charAt(i + 1) == '}') {
        return i;
      } else if (c == '{' || c == '(' || c == '[') {
        depth++;
      } else if (c == '}' || c == ')' || c == ']') {
        depth--;
      }
    }
    return -1;
  }

  /** Index just behind the string literal that starts at {@code from}. */
  static int stringEnd(String text, int from) {
    char quote = text.charAt(from);
    for (int i = from + 1; i < text.length(); i++) {
      if (text.charAt(i) == '\\') {
        i++;
      } else if (text.charAt(i) == quote) {
        return i + 1;
      }
    }
    throw new TemplateException("a string literal never ends", false);
  }

  private String stripBefore(String text, char kind, char sign) {
    if (sign == '-') {
      return text.stripTrailing();
    }
    if (sign == '+' || kind == '{') {
      return text;
    }
    int line = text.lastIndexOf('\n') + 1;
    boolean startsLine = line > 0 || lineStarting;
    return startsLine && text.substring(line).isBlank() ? text.substring(0, line) : text;
  }

  private void skipAfter(int from, char kind, char sign) {
    int to = from;
    if (sign == '-') {
      while (to < source.length() && Character.isWhitespace(source.charAt(to))) {
        to++;
      }
    } else if (sign != '+' && kind != '{' && source.startsWith("\n", from)) {
      to++;
    }
    lineStarting = to > from && source.charAt(to - 1) == '\n';
    at = to;
  }

  private void raw() {
    java.util.regex.Matcher end =
        java.util.regex.Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%}").matcher(source);
    if (!end.find(at)) {
      throw new TemplateException("a raw block never ends", false);
    }
    char before = end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0);
    text(stripBefore(source.substring(at, end.start()), '%', before));
    skipAfter(end.end(), '%', end.group(2).isEmpty() ? ' ' : end.group(2).charAt(0));
  }

  private void text(String text) {
    if (!text.isEmpty()) {
      out.add(new Segment(Kind.TEXT, text));
    }
  }
}
