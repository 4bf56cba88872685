package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/** Writes −∞ over forbidden logits. Allocates nothing. */
final class MaskedRow {
  private static final float FORBIDDEN = Float.NEGATIVE_INFINITY;

  private MaskedRow() {}

  /** Forbids the ids without a bit, and those behind the last word of bits. */
  static void forbid(long[] allowed, float[] logits, int offset, int vocabSize) {
    int words = Math.min(allowed.length, vocabSize >> 6);
    for (int w = 0; w < words; w++) {
      forbidWord(allowed[w], logits, offset + (w << 6));
    }
    for (int id = words << 6; id < vocabSize; id++) {
      if (id >> 6 >= allowed.length || (allowed[id >> 6] & 1L << id) == 0) {
        logits[offset + id] = FORBIDDEN;
      }
    }
  }

  /** The rarer kind of bit is looped over: at most 32 turns for 64 logits. */
  private static void forbidWord(long allowed, float[] logits, int offset) {
    if (allowed == 0) {
      Arrays.fill(logits, offset, offset + 64, FORBIDDEN);
    } else if (Long.bitCount(allowed) >= 32) {
      for (long rest = ~allowed; rest != 0; rest &= rest - 1) {
        logits[offset + Long.numberOfTrailingZeros(rest)] = FORBIDDEN;
      }
    } else {
      int from = offset;
      for (long rest = allowed; rest != 0; rest &= rest - 1) {
        int to = offset + Long.numberOfTrailingZeros(rest);
        Arrays.fill(logits, from, to, FORBIDDEN);
        from = to + 1;
      }
      Arrays.fill(logits, from, offset + 64, FORBIDDEN);
    }
  }

  /** If all of some ids are forbidden, allows them all alike. */
  static void insistOnOne(int[] ids, float[] logits, int offset, int vocabSize) {
    for (int id : ids) {
      if (id < vocabSize && logits[offset + id] > FORBIDDEN) {
        return;
      }
    }
    for (int id : ids) {
      if (id < vocabSize) {
        logits[offset + id] = 0;
      }
    }
  }
}
