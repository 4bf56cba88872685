package io.kvasir.runtime.engine.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * The rules that all JSON grammars share, each made when first asked for. Numbers are bounded so
 * that every reader can hold them: 19 digits before and after the point, two of exponent. One
 * grammar's builder.
 */
final class JsonRules {
  static final int MAX_DIGITS = 19;
  private static final int NONE = -1;
  private static final int MAX_INDENT_SPACES = 40;
  private static final int MAX_INDENT_TABS = 10;

  private final RuleSet rules;
  private final GrammarSpec.Whitespace whitespace;
  private int blank = NONE;
  private int string = NONE;
  private int oddCharacter = NONE;
  private int number = NONE;
  private int integer = NONE;
  private int value = NONE;

  JsonRules(RuleSet rules, GrammarSpec.Whitespace whitespace) {
    this.rules = rules;
    this.whitespace = whitespace;
  }

  /** Optional blanks behind a state; the state behind them. */
  int blank(Nfa nfa, int from) {
    if (whitespace == GrammarSpec.Whitespace.NONE) {
      return from;
    }
    if (blank == NONE) {
      blank = rules.reserve();
      Nfa body = rules.builder();
      body.range(Nfa.START, ' ', ' ', Nfa.END);
      int line = body.ascii(Nfa.START, "\n");
      body.epsilon(line, Nfa.END);
      indent(body, line, ' ', MAX_INDENT_SPACES);
      indent(body, line, '\t', MAX_INDENT_TABS);
      rules.define(blank, body);
    }
    int to = nfa.state();
    nfa.epsilon(from, to);
    nfa.call(from, blank, to);
    return to;
  }

  private static void indent(Nfa body, int line, char c, int max) {
    int at = line;
    for (int i = 0; i < max; i++) {
      int to = body.state();
      body.range(at, c, c, to);
      body.epsilon(to, Nfa.END);
      at = to;
    }
  }

  /** Any string, in any spelling that JSON has for it. */
  int string() {
    if (string == NONE) {
      string = rules.reserve();
      Nfa body = rules.builder();
      int inside = body.ascii(Nfa.START, "\"");
      plainCharacters(body, inside, inside);
      oddCharacters(body, inside, inside);
      body.range(inside, '"', '"', Nfa.END);
      rules.define(string, body);
    }
    return string;
  }

  /** Strings of {@code min} to {@code max} characters (code points). */
  int string(int min, int max) {
    if (min == 0 && max == Integer.MAX_VALUE) {
      return string();
    }
    if (oddCharacter == NONE) {
      oddCharacter = rules.reserve();
      Nfa body = rules.builder();
      oddCharacters(body, Nfa.START, Nfa.END);
      rules.define(oddCharacter, body);
    }
    int rule = rules.reserve();
    Nfa body = rules.builder();
    int at = body.ascii(Nfa.START, "\"");
    int last = max == Integer.MAX_VALUE ? min : max;
    for (int i = 0; i <= last; i++) {
      if (i >= min) {
        body.range(at, '"', '"', Nfa.END);
      }
      if (i < last || max == Integer.MAX_VALUE) {
        int to = i == last ? at : body.state();
        plainCharacters(body, at, to);
        body.call(at, oddCharacter, to);
        at = to;
      }
    }
    rules.define(rule, body);
    return rule;
  }

  private static void plainCharacters(Nfa body, int from, int to) {
    body.range(from, ' ', '!', to);
    body.range(from, '#', '[', to);
    body.range(from, ']', 0x7F, to);
  }

  /** Characters beyond ASCII and escapes; those of surrogates come in pairs. */
  private static void oddCharacters(Nfa body, int from, int to) {
    new TextEncoder(body, false).range(from, 0x80, CodePoints.LAST, to);
    int escape = body.ascii(from, "\\");
    for (char c : "\"\\/bfnrt".toCharArray()) {
      body.range(escape, c, c, to);
    }
    int hex = body.ascii(escape, "u");
    int one = body.state();
    body.range(one, '0', '9', to);
    body.range(one, 'A', 'F', to);
    body.range(one, 'a', 'f', to);
    int two = hexBefore(body, one);
    int three = hexBefore(body, two);
    body.range(hex, '0', '9', three);
    body.range(hex, 'A', 'C', three);
    body.range(hex, 'a', 'c', three);
    body.range(hex, 'E', 'F', three);
    body.range(hex, 'e', 'f', three);
    int surrogate = body.state();
    body.range(hex, 'D', 'D', surrogate);
    body.range(hex, 'd', 'd', surrogate);
    body.range(surrogate, '0', '7', two);
    int low = body.state();
    int highTail = hexBefore(body, hexBefore(body, low));
    // D8..DB, two digits, then the escape of DC..DF and two digits.
    body.range(surrogate, '8', '9', highTail);
    body.range(surrogate, 'A', 'B', highTail);
    body.range(surrogate, 'a', 'b', highTail);
    int lowHex = body.ascii(low, "\\u");
    int lowSecond = body.state();
    body.range(lowHex, 'D', 'D', lowSecond);
    body.range(lowHex, 'd', 'd', lowSecond);
    body.range(lowSecond, 'C', 'F', two);
    body.range(lowSecond, 'c', 'f', two);
  }

  private static int hexBefore(Nfa body, int to) {
    int from = body.state();
    body.range(from, '0', '9', to);
    body.range(from, 'A', 'F', to);
    body.range(from, 'a', 'f', to);
    return from;
  }

  int integer() {
    if (integer == NONE) {
      integer = rules.reserve();
      Nfa body = rules.builder();
      wholePart(body, Nfa.START, Nfa.END);
      rules.define(integer, body);
    }
    return integer;
  }

  int number() {
    if (number == NONE) {
      number = rules.reserve();
      Nfa body = rules.builder();
      int whole = body.state();
      wholePart(body, Nfa.START, whole);
      int fraction = body.state();
      body.epsilon(whole, fraction);
      digits(body, body.ascii(whole, "."), 1, MAX_DIGITS, fraction);
      body.epsilon(fraction, Nfa.END);
      int exponent = body.state();
      body.range(fraction, 'e', 'e', exponent);
      body.range(fraction, 'E', 'E', exponent);
      int sign = body.state();
      body.epsilon(exponent, sign);
      body.range(exponent, '+', '+', sign);
      body.range(exponent, '-', '-', sign);
      digits(body, sign, 1, 2, Nfa.END);
      rules.define(number, body);
    }
    return number;
  }

  static void wholePart(Nfa body, int from, int to) {
    int unsigned = body.state();
    body.epsilon(from, unsigned);
    body.range(from, '-', '-', unsigned);
    body.range(unsigned, '0', '0', to);
    int more = body.state();
    body.range(unsigned, '1', '9', more);
    digits(body, more, 0, MAX_DIGITS - 1, to);
  }

  static void digits(Nfa body, int from, int min, int max, int to) {
    int at = from;
    for (int i = 0; i < max; i++) {
      if (i >= min) {
        body.epsilon(at, to);
      }
      int next = body.state();
      body.range(at, '0', '9', next);
      at = next;
    }
    body.epsilon(at, to);
  }

  /** Any JSON value. */
  int value() {
    if (value == NONE) {
      value = rules.reserve();
      Nfa body = rules.builder();
      for (String word : new String[] {"null", "true", "false"}) {
        body.epsilon(body.ascii(Nfa.START, word), Nfa.END);
      }
      body.call(Nfa.START, string(), Nfa.END);
      body.call(Nfa.START, number(), Nfa.END);
      anyObject(body);
      int open = blank(body, body.ascii(Nfa.START, "["));
      body.range(open, ']', ']', Nfa.END);
      int behind = body.state();
      body.call(open, value, behind);
      body.call(blank(body, body.ascii(behind, ",")), value, behind);
      body.range(blank(body, behind), ']', ']', Nfa.END);
      rules.define(value, body);
    }
    return value;
  }

  /** Any JSON object, between the start and the end of a rule. */
  void anyObject(Nfa body) {
    int open = blank(body, body.ascii(Nfa.START, "{"));
    body.range(open, '}', '}', Nfa.END);
    int key = body.state();
    body.call(open, string(), key);
    int behind = body.state();
    body.call(blank(body, body.ascii(key, ":")), value(), behind);
    body.call(blank(body, body.ascii(behind, ",")), string(), key);
    body.range(blank(body, behind), '}', '}', Nfa.END);
  }

  /** One given value: strings in their canonical spelling, numbers as they were written. */
  void literal(Nfa nfa, int from, JsonNode node, int to) {
    int at = from;
    if (node.isObject()) {
      at = blank(nfa, nfa.ascii(at, "{"));
      boolean first = true;
      for (Map.Entry<String, JsonNode> member : node.properties()) {
        at = first ? at : blank(nfa, nfa.ascii(at, ","));
        first = false;
        at = nfa.ascii(nfa.bytes(at, TextEncoder.quoted(member.getKey())), ":");
        int behind = nfa.state();
        literal(nfa, blank(nfa, at), member.getValue(), behind);
        at = behind;
      }
      at = nfa.ascii(first ? at : blank(nfa, at), "}");
    } else if (node.isArray()) {
      at = blank(nfa, nfa.ascii(at, "["));
      for (int i = 0; i < node.size(); i++) {
        int behind = nfa.state();
        literal(nfa, i == 0 ? at : blank(nfa, nfa.ascii(at, ",")), node.get(i), behind);
        at = behind;
      }
      at = nfa.ascii(node.isEmpty() ? at : blank(nfa, at), "]");
    } else if (node.isTextual()) {
      at = nfa.bytes(at, TextEncoder.quoted(node.textValue()));
    } else if (node.isNumber()) {
      at = nfa.ascii(at, node.decimalValue().toString());
    } else {
      at = nfa.ascii(at, node.asText());
    }
    nfa.epsilon(at, to);
  }
}
