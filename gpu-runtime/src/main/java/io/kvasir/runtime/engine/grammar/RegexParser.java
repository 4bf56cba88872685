package io.kvasir.runtime.engine.grammar;

import io.kvasir.runtime.engine.grammar.RegexNode.Chars;
import io.kvasir.runtime.engine.grammar.RegexNode.Either;
import io.kvasir.runtime.engine.grammar.RegexNode.Repeat;
import io.kvasir.runtime.engine.grammar.RegexNode.Sequence;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the subset of regular expressions in which Java and ECMAScript agree and which is regular:
 * literals, classes, groups, alternatives, greedy and lazy repetition, and anchors at the ends.
 * Everything else is refused with its position. Where the two differ about a shorthand ({@code . \s
 * \S}) only what they share is meant, so a text made here is a match in both. One use.
 */
final class RegexParser {
  private static final int MAX_COUNT = 100_000;
  private static final String SYNTAX = "^$\\.*+?()[]{}|/-";
  private static final CodePoints DOT = CodePoints.LINE_END.complement();

  private final String where;
  private final int[] text;
  private int at;
  private int depth;
  private boolean openStart;
  private boolean openEnd;

  private RegexParser(String pattern, String where) {
    this.where = where;
    this.text = pattern.codePoints().toArray();
  }

  /** Texts that the pattern matches from first to last character. */
  static RangeDfa whole(String pattern, String where, WorkBudget budget) {
    return compile(pattern, where, budget, false);
  }

  /** Texts in which the pattern is found, as the keyword {@code pattern} of JSON Schema has it. */
  static RangeDfa search(String pattern, String where, WorkBudget budget) {
    return compile(pattern, where, budget, true);
  }

  private static RangeDfa compile(String pattern, String where, WorkBudget budget, boolean search) {
    Nfa nfa = new Nfa(budget);
    RegexParser parser = new RegexParser(pattern, where);
    do {
      parser.openStart = search;
      parser.openEnd = search;
      RegexNode alternative = parser.alternative(true);
      int from = Nfa.START;
      if (parser.openStart) {
        from = nfa.state();
        nfa.epsilon(Nfa.START, from);
        all(nfa, from);
      }
      int to = Nfa.END;
      if (parser.openEnd) {
        to = nfa.state();
        all(nfa, to);
        nfa.epsilon(to, Nfa.END);
      }
      alternative.emit(nfa, from, to);
    } while (parser.take('|'));
    if (parser.at < parser.text.length) {
      throw parser.refuse("has a ) without its (", "add the ( or write \\)");
    }
    return Determinizer.run(nfa, budget);
  }

  private static void all(Nfa nfa, int state) {
    nfa.range(state, 0, 0xD7FF, state);
    nfa.range(state, 0xE000, CodePoints.LAST, state);
  }

  private RegexNode alternatives() {
    if (++depth > GrammarLimits.MAX_GROUP_NESTING) {
      throw refuse(
          "nests groups deeper than " + GrammarLimits.MAX_GROUP_NESTING, "flatten the groups");
    }
    List<RegexNode> all = new ArrayList<>();
    do {
      all.add(alternative(false));
    } while (take('|'));
    depth--;
    return all.size() == 1 ? all.getFirst() : new Either(all);
  }

  private RegexNode alternative(boolean top) {
    List<RegexNode> parts = new ArrayList<>();
    if (top && take('^')) {
      openStart = false;
    }
    while (at < text.length && text[at] != '|' && text[at] != ')') {
      if (text[at] == '$' && top && (at + 1 == text.length || text[at + 1] == '|')) {
        at++;
        openEnd = false;
        break;
      }
      parts.add(repeated(atom()));
    }
    return parts.size() == 1 ? parts.getFirst() : new Sequence(parts);
  }

  private RegexNode atom() {
    int c = text[at];
    switch (c) {
      case '(' -> {
        return group();
      }
      case '[' -> {
        return new Chars(charClass());
      }
      case '.' -> {
        at++;
        return new Chars(DOT);
      }
      case '\\' -> {
        return new Chars(escape(false, false));
      }
      case '^', '$' ->
          throw refuse(
              "has the anchor " + (char) c + " inside",
              "put anchors at the ends of a top-level alternative only");
      case '*', '+', '?', '{' ->
          throw refuse("has nothing to repeat before " + (char) c, "write \\" + (char) c);
      case ']', '}' -> throw refuse("has a single " + (char) c, "write \\" + (char) c);
      default -> {
        if (c >= 0xD800 && c <= 0xDFFF) {
          throw refuse("has half of a surrogate pair", "write the whole character");
        }
        at++;
        return new Chars(CodePoints.of(c, c));
      }
    }
  }

  private RegexNode group() {
    int open = at++;
    if (take('?') && !take(':')) {
      int from = at;
      boolean named = take('<') || (take('P') && take('<'));
      int name = at;
      while (named && at < text.length && isNameChar(text[at])) {
        at++;
      }
      if (!named || at == name || !take('>')) {
        at = from - 2;
        throw refuse(
            "has a group with (?, which looks around, sets flags or is atomic",
            "use plain, (?: or named groups");
      }
    }
    RegexNode inner = alternatives();
    if (!take(')')) {
      at = open;
      throw refuse("has a ( without its )", "add the ) or write \\(");
    }
    return inner;
  }

  private static boolean isNameChar(int c) {
    return c < 128 && (Character.isLetterOrDigit(c) || c == '_');
  }

  private RegexNode repeated(RegexNode part) {
    if (at == text.length) {
      return part;
    }
    int start = at;
    RegexNode out;
    if (take('*')) {
      out = new Repeat(part, 0, RegexNode.UNBOUNDED);
    } else if (take('+')) {
      out = new Repeat(part, 1, RegexNode.UNBOUNDED);
    } else if (take('?')) {
      out = new Repeat(part, 0, 1);
    } else if (take('{')) {
      int min = count();
      int max = take(',') ? (at < text.length && text[at] != '}' ? count() : -1) : min;
      if (!take('}') || (max >= 0 && max < min)) {
        at = start;
        throw refuse("has a malformed count", "write {m}, {m,} or {m,n} with n not below m");
      }
      out = new Repeat(part, min, max);
    } else {
      return part;
    }
    // A lazy repetition has the same texts.
    take('?');
    if (at < text.length && (text[at] == '+' || text[at] == '*' || text[at] == '{')) {
      throw refuse("repeats a repetition", "put the inner one into (?: )");
    }
    return out;
  }

  private int count() {
    int start = at;
    int value = 0;
    while (at < text.length && text[at] >= '0' && text[at] <= '9') {
      value = Math.min(MAX_COUNT + 1, 10 * value + text[at++] - '0');
    }
    if (at == start) {
      throw refuse("has a malformed count", "write {m}, {m,} or {m,n}, or \\{ for the brace");
    }
    if (value > MAX_COUNT) {
      at = start;
      throw refuse("has a count above " + MAX_COUNT, "use a smaller one");
    }
    return value;
  }

  private CodePoints charClass() {
    int open = at++;
    boolean negated = take('^');
    CodePoints set = new CodePoints(new int[0]);
    while (true) {
      if (at == text.length) {
        at = open;
        throw refuse("has a [ without its ]", "add the ] or write \\[");
      }
      if (take(']')) {
        break;
      }
      if (text[at] == '[' || (text[at] == '&' && at + 1 < text.length && text[at + 1] == '&')) {
        throw refuse("has [ or && inside a class, which dialects read differently", "escape it");
      }
      set = set.union(classMember(negated));
    }
    set = negated ? set.complement() : set;
    if (set.isEmpty()) {
      at = open;
      throw refuse("has an empty class", "name at least one character");
    }
    return set;
  }

  private CodePoints classMember(boolean negated) {
    CodePoints low = classAtom(negated);
    boolean range = at + 1 < text.length && text[at] == '-' && text[at + 1] != ']';
    if (!range) {
      return low;
    }
    int dash = at++;
    CodePoints high = classAtom(negated);
    if (!isSingle(low) || !isSingle(high) || low.pairs()[0] > high.pairs()[0]) {
      at = dash;
      throw refuse("has a range that does not go up between two characters", "write \\-");
    }
    return CodePoints.of(low.pairs()[0], high.pairs()[0]);
  }

  private static boolean isSingle(CodePoints set) {
    return set.pairs().length == 2 && set.pairs()[0] == set.pairs()[1];
  }

  private CodePoints classAtom(boolean negated) {
    if (at < text.length && text[at] == '\\') {
      return escape(true, negated);
    }
    int c = text[at++];
    return CodePoints.of(c, c);
  }

  private CodePoints escape(boolean inClass, boolean negated) {
    int start = at++;
    if (at == text.length) {
      throw refuse("ends in a backslash", "write \\\\");
    }
    int c = text[at++];
    switch (c) {
      case 'd' -> {
        return CodePoints.DIGIT;
      }
      case 'D' -> {
        return CodePoints.DIGIT.complement();
      }
      case 'w' -> {
        return CodePoints.WORD;
      }
      case 'W' -> {
        return CodePoints.WORD.complement();
      }
      case 's' -> {
        return negated ? CodePoints.ANY_SPACE : CodePoints.SPACE;
      }
      case 'S' -> {
        return (negated ? CodePoints.SPACE : CodePoints.ANY_SPACE).complement();
      }
      case 'n' -> {
        return CodePoints.of('\n', '\n');
      }
      case 'r' -> {
        return CodePoints.of('\r', '\r');
      }
      case 't' -> {
        return CodePoints.of('\t', '\t');
      }
      case 'f' -> {
        return CodePoints.of('\f', '\f');
      }
      case 'x' -> {
        return hex(start, 2);
      }
      case 'u' -> {
        return hex(start, 4);
      }
      default -> {
        if (SYNTAX.indexOf(c) < 0 && (c > 126 || c < ' ' || Character.isLetterOrDigit(c))) {
          at = start;
          throw refuse(
              "has the escape \\" + Character.toString(c) + ", which is not supported",
              inClass ? "name the characters" : "use a class of characters");
        }
        return CodePoints.of(c, c);
      }
    }
  }

  private CodePoints hex(int start, int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = at < text.length && text[at] < 128 ? Character.digit(text[at], 16) : -1;
      if (digit < 0) {
        at = start;
        throw refuse("has an escape without its " + digits + " hex digits", "add them");
      }
      value = 16 * value + digit;
      at++;
    }
    if (value >= 0xD800 && value <= 0xDFFF) {
      at = start;
      throw refuse("has half of a surrogate pair", "write the character itself");
    }
    return CodePoints.of(value, value);
  }

  private boolean take(int c) {
    if (at < text.length && text[at] == c) {
      at++;
      return true;
    }
    return false;
  }

  private GrammarRefusedException refuse(String what, String remedy) {
    return new GrammarRefusedException(
        where + " " + what + " (at character " + at + "): " + remedy + ".");
  }
}
