package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * A set of Unicode scalar values as sorted pairs of first and last. Surrogates are in no set: UTF-8
 * has no bytes for them.
 */
record CodePoints(int[] pairs) {
  static final int LAST = 0x10FFFF;
  private static final int SURROGATE_FIRST = 0xD800;
  private static final int SURROGATE_LAST = 0xDFFF;

  static final CodePoints ALL = of(0, LAST);
  static final CodePoints DIGIT = of('0', '9');
  static final CodePoints WORD = of('0', '9', 'A', 'Z', '_', '_', 'a', 'z');

  /** Blanks of every dialect of regular expressions. */
  static final CodePoints SPACE = of(0x9, 0xD, ' ', ' ');

  /** Blanks of any dialect; what is outside is no blank in any. */
  static final CodePoints ANY_SPACE =
      of(
          0x9, 0xD, 0x1C, 0x20, 0x85, 0x85, 0xA0, 0xA0, 0x1680, 0x1680, 0x180E, 0x180E, 0x2000,
          0x200A, 0x2028, 0x2029, 0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000, 0xFEFF, 0xFEFF);

  /** Ends of line of any dialect, which the dot leaves out. */
  static final CodePoints LINE_END = of(0xA, 0xA, 0xD, 0xD, 0x85, 0x85, 0x2028, 0x2029);

  /** The set of some ranges in any order; surrogates are left out. */
  static CodePoints of(int... ranges) {
    long[] sorted = new long[ranges.length / 2];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = (long) ranges[2 * i] << 32 | ranges[2 * i + 1];
    }
    Arrays.sort(sorted);
    int[] out = new int[2 * sorted.length + 2];
    int n = 0;
    for (long range : sorted) {
      int lo = (int) (range >> 32);
      int hi = (int) range;
      n = add(out, n, lo, Math.min(hi, SURROGATE_FIRST - 1));
      if (n + 2 > out.length) {
        out = Arrays.copyOf(out, 2 * out.length);
      }
      n = add(out, n, Math.max(lo, SURROGATE_LAST + 1), hi);
      if (n + 2 > out.length) {
        out = Arrays.copyOf(out, 2 * out.length);
      }
    }
    return new CodePoints(Arrays.copyOf(out, n));
  }

  private static int add(int[] out, int n, int lo, int hi) {
    if (lo > hi) {
      return n;
    }
    if (n > 0 && lo <= out[n - 1] + 1) {
      out[n - 1] = Math.max(out[n - 1], hi);
      return n;
    }
    out[n] = lo;
    out[n + 1] = hi;
    return n + 2;
  }

  CodePoints union(CodePoints other) {
    int[] both = Arrays.copyOf(pairs, pairs.length + other.pairs.length);
    System.arraycopy(other.pairs, 0, both, pairs.length, other.pairs.length);
    return of(both);
  }

  CodePoints complement() {
    int[] out = new int[pairs.length + 2];
    int n = 0;
    int from = 0;
    for (int i = 0; i < pairs.length; i += 2) {
      if (pairs[i] > from) {
        out[n++] = from;
        out[n++] = pairs[i] - 1;
      }
      from = pairs[i + 1] + 1;
    }
    if (from <= LAST) {
      out[n++] = from;
      out[n++] = LAST;
    }
    return of(Arrays.copyOf(out, n));
  }

  boolean isEmpty() {
    return pairs.length == 0;
  }
}
