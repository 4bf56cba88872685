package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a tokenizer.json says about single tokens: their spelling, which are control tokens, and,
 * for the two byte-wise decoders that all supported families use, the bytes of each. The library
 * that encodes and decodes does not tell these. Immutable.
 */
final class TokenPieces {
  static final String FILE = "tokenizer.json";
  private static final int MAX_ID = 1 << 24;
  private static final Pattern BYTE_TOKEN = Pattern.compile("<0x([0-9A-Fa-f]{2})>");
  private static final byte[] NO_BYTES = {};

  /** How tokens become text. */
  private enum Join {
    /** GPT-2 style: each character of a piece stands for one byte. */
    BYTE_LEVEL,
    /** SentencePiece style: U+2581 is a space, {@code <0xNN>} one byte, other pieces as written. */
    BYTE_FALLBACK,
    /** Anything else: the text of a token depends on its neighbours. */
    CONTEXT
  }

  private final String[] pieces;
  private final BitSet special = new BitSet();
  private final Map<String, Integer> ids = new HashMap<>();
  private final Join join;
  private final int leadingSpaceCount;

  private TokenPieces(String[] pieces, Join join, int leadingSpaceCount) {
    this.pieces = pieces;
    this.join = join;
    this.leadingSpaceCount = leadingSpaceCount;
  }

  static TokenPieces parse(byte[] json) {
    JsonNode root = Json.object(json, FILE);
    Map<Integer, String> byId = new HashMap<>();
    JsonNode vocab = root.path("model").path("vocab");
    if (vocab.isObject()) {
      for (Map.Entry<String, JsonNode> field : vocab.properties()) {
        byId.put(id(field.getValue(), field.getKey()), field.getKey());
      }
    } else if (vocab.isArray()) {
      for (int i = 0; i < vocab.size(); i++) {
        byId.put(i, vocab.get(i).path(0).asText());
      }
    } else {
      throw new CheckpointException(FILE + " lacks model.vocab: restore the published file.");
    }
    for (JsonNode added : root.path("added_tokens")) {
      byId.put(
          id(added.path("id"), added.path("content").asText()), added.path("content").asText());
    }
    int count = byId.keySet().stream().mapToInt(id -> id + 1).max().orElse(0);
    String[] pieces = new String[count];
    byId.forEach((id, piece) -> pieces[id] = piece);
    Join join = join(root.path("decoder"));
    TokenPieces out =
        new TokenPieces(
            pieces, join, join == Join.BYTE_FALLBACK ? strippedSpaces(root.path("decoder")) : 0);
    byId.forEach((id, piece) -> out.ids.putIfAbsent(piece, id));
    for (JsonNode added : root.path("added_tokens")) {
      out.ids.put(added.path("content").asText(), added.path("id").asInt());
      out.special.set(added.path("id").asInt(), added.path("special").asBoolean(false));
    }
    return out;
  }

  private static int id(JsonNode node, String piece) {
    if (!node.isIntegralNumber() || node.asLong() < 0 || node.asLong() >= MAX_ID) {
      throw new CheckpointException(
          FILE
              + ": token "
              + Problems.quote(piece)
              + " has id "
              + Problems.quote(node.asText())
              + ", allowed are 0 to "
              + (MAX_ID - 1)
              + ": restore the published file.");
    }
    return node.intValue();
  }

  private static Join join(JsonNode decoder) {
    if (hasStep(decoder, "ByteLevel")) {
      return Join.BYTE_LEVEL;
    }
    boolean plain = true;
    for (JsonNode step : decoder.path("decoders")) {
      String type = step.path("type").asText();
      plain &= type.matches("Replace|ByteFallback|Fuse|Strip");
    }
    return plain && hasStep(decoder, "ByteFallback") ? Join.BYTE_FALLBACK : Join.CONTEXT;
  }

  private static boolean hasStep(JsonNode decoder, String type) {
    if (decoder.path("type").asText().equals(type)) {
      return true;
    }
    for (JsonNode step : decoder.path("decoders")) {
      if (step.path("type").asText().equals(type)) {
        return true;
      }
    }
    return false;
  }

  private static int strippedSpaces(JsonNode decoder) {
    for (JsonNode step : decoder.path("decoders")) {
      if (step.path("type").asText().equals("Strip")) {
        return step.path("start").asInt(0);
      }
    }
    return 0;
  }

  int idCount() {
    return pieces.length;
  }

  /** The piece as written in the vocabulary; null for unused ids. */
  String piece(int id) {
    return id >= 0 && id < pieces.length ? pieces[id] : null;
  }

  Integer id(String piece) {
    return ids.get(piece);
  }

  boolean isSpecial(int id) {
    return id >= 0 && special.get(id);
  }

  boolean joinsBytes() {
    return join != Join.CONTEXT;
  }

  int leadingSpaceCount() {
    return leadingSpaceCount;
  }

  byte[] bytes(int id) {
    String piece = piece(id);
    if (piece == null) {
      return NO_BYTES;
    }
    if (join == Join.BYTE_LEVEL) {
      return ByteAlphabet.bytes(piece);
    }
    Matcher single = BYTE_TOKEN.matcher(piece);
    if (single.matches()) {
      return new byte[] {(byte) Integer.parseInt(single.group(1), 16)};
    }
    return piece.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8);
  }

  /** The printable stand-ins for the 256 bytes in byte-level vocabularies. */
  static final class ByteAlphabet {
    private static final char[] CHAR_OF_BYTE = new char[256];
    private static final Map<Character, Byte> BYTE_OF_CHAR = new HashMap<>();

    static {
      int next = 256;
      for (int b = 0; b < 256; b++) {
        boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        CHAR_OF_BYTE[b] = (char) (printable ? b : next++);
        BYTE_OF_CHAR.put(CHAR_OF_BYTE[b], (byte) b);
      }
    }

    private ByteAlphabet() {}

    static char charOf(int value) {
      return CHAR_OF_BYTE[value];
    }

    /** Bytes of a piece; a piece with any other character is text itself (added tokens). */
    static byte[] bytes(String piece) {
      byte[] out = new byte[piece.length()];
      for (int i = 0; i < out.length; i++) {
        Byte value = BYTE_OF_CHAR.get(piece.charAt(i));
        if (value == null) {
          return piece.getBytes(StandardCharsets.UTF_8);
        }
        out[i] = value;
      }
      return out;
    }
  }
}
