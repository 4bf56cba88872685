package io.kvasir.runtime.checkpoint;

/**
 * UTF-8 bytes to text as they come. An unfinished character waits; each longest beginning of a
 * character that cannot be finished becomes one U+FFFD, which is what the tokenizers library prints
 * (Java's own decoder counts surrogates otherwise). Not thread-safe.
 */
final class Utf8Assembler {
  private static final char REPLACEMENT = '\uFFFD';

  private int codePoint;

  /** Continuation bytes still to come. */
  private int missingCount;

  /** Bounds of the next continuation byte: they exclude overlong forms and surrogates. */
  private int lower = 0x80;

  private int upper = 0xBF;

  void append(byte[] bytes, StringBuilder out) {
    for (byte signed : bytes) {
      int b = signed & 0xff;
      if (missingCount > 0) {
        if (b >= lower && b <= upper) {
          continuation(b, out);
          continue;
        }
        finish(out);
      }
      start(b, out);
    }
  }

  private void continuation(int b, StringBuilder out) {
    lower = 0x80;
    upper = 0xBF;
    codePoint = codePoint << 6 | b & 0x3f;
    if (--missingCount == 0) {
      out.appendCodePoint(codePoint);
    }
  }

  private void start(int b, StringBuilder out) {
    if (b < 0x80) {
      out.append((char) b);
    } else if (b < 0xC2 || b > 0xF4) {
      out.append(REPLACEMENT);
    } else {
      missingCount = b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
      codePoint = b & (0x3f >> missingCount);
      lower = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
      upper = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
    }
  }

  /** Gives up an unfinished character. */
  void finish(StringBuilder out) {
    if (missingCount > 0) {
      out.append(REPLACEMENT);
      missingCount = 0;
      lower = 0x80;
      upper = 0xBF;
    }
  }
}
