package io.kvasir.runtime.checkpoint.jinja;

import java.util.ArrayList;
import java.util.List;

/** Tokens of expressions and how brackets structure them. Stateless. */
final class TemplateTokens {
  private static final List<String> DOUBLE_SIGNS = List.of("==", "!=", "<=", ">=", "//", "**");
  private static final List<String> KEYWORDS =
      List.of("and", "or", "not", "in", "is", "if", "else");

  enum Kind {
    STRING,
    NUMBER,
    NAME,
    SIGN
  }

  /** One token; strings carry their decoded value. */
  record Token(Kind kind, String text) {
    boolean is(String other) {
      return kind != Kind.STRING && text.equals(other);
    }

    boolean isKeyword() {
      return kind == Kind.NAME && KEYWORDS.contains(text);
    }

    boolean opens() {
      return kind == Kind.SIGN && "([{".contains(text);
    }

    boolean closes() {
      return kind == Kind.SIGN && ")]}".contains(text);
    }

    /** Can end an operand, so that a bracket behind it indexes or calls. */
    boolean endsOperand() {
      return kind == Kind.STRING || (kind == Kind.NAME && !isKeyword()) || closes();
    }
  }

  private TemplateTokens() {}

  static List<Token> of(String text) {
    List<Token> out = new ArrayList<>();
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      int from = i;
      if (Character.isWhitespace(c)) {
        i++;
      } else if (c == '\'' || c == '"') {
        i = TemplateLexer.stringEnd(text, i);
        String value = unescape(text.substring(from + 1, i - 1));
        // Adjacent literals are one, as in Python.
        boolean joins = !out.isEmpty() && out.getLast().kind() == Kind.STRING;
        out.add(new Token(Kind.STRING, (joins ? out.removeLast().text() : "") + value));
      } else if (Character.isDigit(c)) {
        i = numberEnd(text, i);
        out.add(new Token(Kind.NUMBER, text.substring(from, i).replace("_", "")));
      } else if (Character.isJavaIdentifierStart(c)) {
        while (i < text.length() && Character.isJavaIdentifierPart(text.charAt(i))) {
          i++;
        }
        out.add(new Token(Kind.NAME, text.substring(from, i)));
      } else {
        String two = i + 2 <= text.length() ? text.substring(i, i + 2) : "";
        i += DOUBLE_SIGNS.contains(two) ? 2 : 1;
        out.add(new Token(Kind.SIGN, text.substring(from, i)));
      }
    }
    return out;
  }

  private static int numberEnd(String text, int from) {
    int i = from;
    while (i < text.length()) {
      char c = text.charAt(i);
      boolean fraction = c == '.' && i + 1 < text.length() && Character.isDigit(text.charAt(i + 1));
      if (!Character.isLetterOrDigit(c) && c != '_' && !fraction) {
        break;
      }
      i++;
    }
    return i;
  }

  private static String unescape(String raw) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '\\' || i + 1 == raw.length()) {
        out.append(c);
        continue;
      }
      char e = raw.charAt(++i);
      int digits = e == 'x' ? 2 : e == 'u' ? 4 : e == 'U' ? 8 : 0;
      if (digits > 0 && isCodePoint(raw, i + 1, digits)) {
        out.appendCodePoint(Integer.parseInt(raw.substring(i + 1, i + 1 + digits), 16));
        i += digits;
        continue;
      }
      switch (e) {
        case 'n' -> out.append('\n');
        case 't' -> out.append('\t');
        case 'r' -> out.append('\r');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case '0' -> out.append('\0');
        case '\n' -> {}
        case '\\', '\'', '"' -> out.append(e);
        default -> out.append('\\').append(e);
      }
    }
    return out.toString();
  }

  private static boolean isCodePoint(String raw, int from, int digits) {
    if (from + digits > raw.length()) {
      return false;
    }
    String hex = raw.substring(from, from + digits);
    return hex.chars().allMatch(c -> Character.digit(c, 16) >= 0)
        && Long.parseLong(hex, 16) <= Character.MAX_CODE_POINT;
  }

  /** Index of the bracket that closes the one at {@code open}. */
  static int matching(List<Token> tokens, int open) {
    int depth = 0;
    for (int i = open; i < tokens.size(); i++) {
      depth += tokens.get(i).opens() ? 1 : tokens.get(i).closes() ? -1 : 0;
      if (depth == 0) {
        return i;
      }
    }
    throw new TemplateException("a bracket is never closed", false);
  }

  /** Index of a token outside all brackets at or after {@code from}; -1 if there is none. */
  static int find(List<Token> tokens, String text, int from) {
    for (int i = from; i < tokens.size(); i++) {
      if (tokens.get(i).is(text)) {
        return i;
      }
      if (tokens.get(i).opens()) {
        i = matching(tokens, i);
      }
    }
    return -1;
  }

  /** Splits at a token that stands outside all brackets. */
  static List<List<Token>> split(List<Token> tokens, String separator) {
    List<List<Token>> parts = new ArrayList<>();
    int from = 0;
    for (int at = find(tokens, separator, 0); at >= 0; at = find(tokens, separator, from)) {
      parts.add(tokens.subList(from, at));
      from = at + 1;
    }
    parts.add(tokens.subList(from, tokens.size()));
    return parts;
  }
}
