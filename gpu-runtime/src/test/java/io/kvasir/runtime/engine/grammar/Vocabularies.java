package io.kvasir.runtime.engine.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Seeded vocabularies in the manner of trained ones. Token 0 begins, token 1 ends an answer. */
public final class Vocabularies {
  public static final int END = 1;

  private static final String[] PIECES = {
    "{\"",
    "\":",
    "\": ",
    "\": \"",
    "\",",
    "\",\"",
    "\", \"",
    "\"}",
    "\"},",
    "\"]",
    "}}",
    "]}",
    "}]",
    "},{",
    "[[",
    "[]",
    "{}",
    "[{\"",
    "true",
    "false",
    "null",
    ",\n",
    "{\n",
    "\n  ",
    "\n    ",
    "\"\"",
    "\\n",
    "\\\"",
    "\\u",
    "00",
    "10",
    "99",
    "123",
    "-1",
    "0.",
    ".5",
    "1e",
    "é",
    "日本",
    "日",
    "👍",
    " the",
    "name",
    "value",
    "abc",
    "a",
    "id",
    "kind",
    "next",
    "}\n",
    "]\n",
    "\u00e9\"",
    "e\":",
    "}}}]"
  };

  private Vocabularies() {}

  /** All bytes, common pieces, and random joins of what is there already. */
  public static Vocabulary bytesAndMerges(int size, long seed) {
    return Vocabulary.of(tokens(size, seed, 12, true), List.of(END));
  }

  static byte[][] tokens(int size, long seed, int maxBytes, boolean allBytes) {
    Random random = new Random(seed);
    List<byte[]> out = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    out.add(null);
    out.add(null);
    for (int b = 0; b < 256; b++) {
      if (allBytes || (b >= ' ' && b < 127) || b == '\n') {
        add(out, seen, new byte[] {(byte) b});
      }
    }
    for (String piece : PIECES) {
      add(out, seen, piece.getBytes(StandardCharsets.UTF_8));
    }
    byte[] letters =
        "etaoinshrdlucmfwypvbgkqjxz ETAOIN0123456789\"{}[]:,\\".getBytes(StandardCharsets.UTF_8);
    while (out.size() < size) {
      byte[] token;
      if (random.nextInt(4) == 0) {
        byte[] left = out.get(2 + random.nextInt(out.size() - 2));
        byte[] right = out.get(2 + random.nextInt(out.size() - 2));
        token = new byte[left.length + right.length];
        System.arraycopy(left, 0, token, 0, left.length);
        System.arraycopy(right, 0, token, left.length, right.length);
      } else {
        token = new byte[1 + random.nextInt(maxBytes - 1)];
        for (int i = 0; i < token.length; i++) {
          // Mostly letters, so that most tokens are words as in a trained vocabulary.
          int bound = random.nextInt(40) == 0 ? letters.length : 27;
          token[i] = letters[(int) (random.nextDouble() * random.nextDouble() * bound)];
        }
      }
      if (token.length <= maxBytes) {
        add(out, seen, token);
      }
    }
    return out.subList(0, size).toArray(byte[][]::new);
  }

  private static void add(List<byte[]> out, Set<String> seen, byte[] token) {
    if (seen.add(new String(token, StandardCharsets.ISO_8859_1))) {
      out.add(token);
    }
  }

  public static byte[] bytes(Vocabulary vocabulary, int id) {
    byte[] out = new byte[vocabulary.byteCount(id)];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) vocabulary.unsignedByte(id, i);
    }
    return out;
  }
}
