package io.kvasir.runtime.engine.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * Decimal numbers between bounds, exactly: an automaton for the spelling (no exponent, at most
 * {@link JsonRules#MAX_DIGITS} digits on each side of the point) met with one for each bound, which
 * compares digit by digit. A bound's automaton may take what is no number; the spelling's does not.
 */
final class NumberRange {
  private static final int MAX_BOUND_DIGITS = 40;

  private final Nfa nfa;
  private final String whole;
  private final String fraction;
  private final boolean greater;
  private final boolean strict;

  /** Builds one bound on the magnitude of unsigned numbers. */
  private NumberRange(Nfa nfa, BigDecimal bound, boolean greater, boolean strict) {
    this.nfa = nfa;
    this.greater = greater;
    this.strict = strict;
    BigInteger integer = bound.toBigInteger();
    this.whole = integer.toString();
    BigDecimal rest = bound.subtract(new BigDecimal(integer)).stripTrailingZeros();
    this.fraction = rest.signum() == 0 ? "" : rest.toPlainString().substring(2);
  }

  /** Refuses bounds whose digits would need an automaton out of all proportion. */
  static BigDecimal checked(BigDecimal bound, String where) {
    BigDecimal plain = bound.stripTrailingZeros();
    if (plain.scale() > MAX_BOUND_DIGITS || plain.precision() - plain.scale() > MAX_BOUND_DIGITS) {
      throw new GrammarRefusedException(
          where
              + " is a bound with more than "
              + MAX_BOUND_DIGITS
              + " digits before or after the point: use a rounder one.");
    }
    return plain;
  }

  static RangeDfa of(Shape.Numbers range, WorkBudget budget) {
    Nfa spelling = new Nfa(budget);
    int wholeEnd = spelling.state();
    JsonRules.wholePart(spelling, Nfa.START, wholeEnd);
    spelling.epsilon(wholeEnd, Nfa.END);
    if (!range.integer()) {
      int point = spelling.ascii(wholeEnd, ".");
      JsonRules.digits(spelling, point, 1, JsonRules.MAX_DIGITS, Nfa.END);
    }
    RangeDfa out = Determinizer.run(spelling, budget);
    if (range.min() != null) {
      out = RangeDfa.intersect(out, bound(range.min(), true, range.minExclusive(), budget), budget);
    }
    if (range.max() != null) {
      out =
          RangeDfa.intersect(out, bound(range.max(), false, range.maxExclusive(), budget), budget);
    }
    return out;
  }

  /** Numbers on one side of a bound; a negative zero only where the side is negative. */
  private static RangeDfa bound(
      BigDecimal bound, boolean lower, boolean exclusive, WorkBudget budget) {
    Nfa nfa = new Nfa(budget);
    int sign = bound.signum();
    if (lower) {
      if (sign < 0) {
        anything(nfa, Nfa.START);
        new NumberRange(nfa, bound.negate(), false, exclusive).from(nfa.ascii(Nfa.START, "-"));
      } else {
        new NumberRange(nfa, bound, true, exclusive).from(Nfa.START);
      }
    } else {
      int minus = nfa.ascii(Nfa.START, "-");
      if (sign < 0 || (sign == 0 && exclusive)) {
        new NumberRange(nfa, bound.negate(), true, exclusive).from(minus);
      } else {
        anything(nfa, minus);
        new NumberRange(nfa, bound, false, exclusive).from(Nfa.START);
      }
    }
    return Determinizer.run(nfa, budget);
  }

  /** Any unsigned number from a state to the end. */
  private static void anything(Nfa nfa, int from) {
    int loop = nfa.state();
    nfa.range(from, '0', '9', loop);
    nfa.range(loop, '0', '9', loop);
    nfa.range(loop, '.', '.', loop);
    nfa.epsilon(loop, Nfa.END);
  }

  private void from(int start) {
    int digits = whole.length();
    int other = start;
    for (int i = 1; i < digits + (greater ? 1 : 0); i++) {
      other = digit(other);
      if (!greater) {
        // Fewer digits are less, whichever they are.
        nfa.epsilon(other, Nfa.END);
        fractionOfAnyKind(other);
      }
    }
    if (greater) {
      anything(nfa, other);
    }
    int equal = start;
    for (int i = 0; i < digits; i++) {
      char d = whole.charAt(i);
      int differs = nfa.state();
      if (greater && d < '9') {
        nfa.range(equal, d + 1, '9', differs);
      } else if (!greater && d > '0') {
        nfa.range(equal, '0', d - 1, differs);
      }
      for (int rest = i + 1; rest < digits; rest++) {
        differs = digit(differs);
      }
      nfa.epsilon(differs, Nfa.END);
      fractionOfAnyKind(differs);
      int next = nfa.state();
      nfa.range(equal, d, d, next);
      equal = next;
    }
    fractionFrom(equal);
  }

  private int digit(int from) {
    int to = nfa.state();
    nfa.range(from, '0', '9', to);
    return to;
  }

  private void fractionOfAnyKind(int from) {
    int loop = nfa.ascii(from, ".");
    nfa.range(loop, '0', '9', loop);
    nfa.epsilon(loop, Nfa.END);
  }

  private void fractionFrom(int equalWhole) {
    boolean equalAllowed = !strict;
    if (fraction.isEmpty() ? equalAllowed : !greater) {
      nfa.epsilon(equalWhole, Nfa.END);
    }
    int at = nfa.ascii(equalWhole, ".");
    int free = nfa.state();
    nfa.range(free, '0', '9', free);
    nfa.epsilon(free, Nfa.END);
    for (int i = 0; i < fraction.length(); i++) {
      char d = fraction.charAt(i);
      if (!greater && i > 0) {
        nfa.epsilon(at, Nfa.END);
      }
      if (greater && d < '9') {
        nfa.range(at, d + 1, '9', free);
      } else if (!greater && d > '0') {
        nfa.range(at, '0', d - 1, free);
      }
      int next = nfa.state();
      nfa.range(at, d, d, next);
      at = next;
    }
    nfa.range(at, '0', '0', at);
    if (greater) {
      nfa.range(at, '1', '9', free);
    }
    if (equalAllowed) {
      nfa.epsilon(at, Nfa.END);
    }
  }
}
