package io.kvasir.runtime.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tokenizer of dummy models, which have no vocabulary: the word {@code t1234} is token 1234 (a
 * space before it belongs to it), every other text is bytes, byte {@code b} being token {@code 3 +
 * b}. Ids above {@code 258} that are no control token print as such words, so any generated list of
 * ids is text. A vocabulary below 259 folds the bytes it cannot hold. Thread-safe.
 */
public final class DummyTokenizer implements TextTokenizer {
  private static final int FIRST_BYTE = 3;
  private static final int FIRST_WORD = FIRST_BYTE + 256;
  private static final Pattern WORD = Pattern.compile("(?:^| )t([0-9]{1,9})(?= |$)");

  private final int vocabSize;
  private final List<Integer> bosIds;
  private final Set<Integer> specials = new HashSet<>();

  public DummyTokenizer(ModelConfig config) {
    this.vocabSize = config.vocabSize();
    this.bosIds = config.bosTokenIds();
    specials.addAll(config.bosTokenIds());
    specials.addAll(config.eosTokenIds());
  }

  @Override
  public int idCount() {
    return vocabSize;
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    int[] ids = new int[text.length() * 3 + 3];
    int count = 0;
    if (addSpecialTokens && !bosIds.isEmpty()) {
      ids[count++] = bosIds.get(0);
    }
    // Decoding drops one blank at the start of a text.
    if (text.startsWith(" ")) {
      ids[count++] = byteId(' ');
    }
    int done = 0;
    Matcher words = WORD.matcher(text);
    while (words.find()) {
      int id = Integer.parseInt(words.group(1));
      if (isWord(id) && words.group(1).equals(Integer.toString(id))) {
        count = addBytes(text.substring(done, words.start()), ids, count);
        ids[count++] = id;
        done = words.end();
      }
    }
    count = addBytes(text.substring(done), ids, count);
    return Arrays.copyOf(ids, count);
  }

  private boolean isWord(int id) {
    return id >= FIRST_WORD && id < vocabSize && !specials.contains(id);
  }

  private int addBytes(String text, int[] ids, int count) {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      ids[count++] = byteId(b & 0xff);
    }
    return count;
  }

  private int byteId(int value) {
    return FIRST_BYTE + value < vocabSize ? FIRST_BYTE + value : value % vocabSize;
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int id : ids) {
      if (!skipSpecialTokens || !isSpecial(id)) {
        out.writeBytes(bytesOf(id));
      }
    }
    String text = out.toString(StandardCharsets.UTF_8);
    return text.startsWith(" ") ? text.substring(1) : text;
  }

  @Override
  public Optional<Integer> tokenToId(String token) {
    for (int id : specials) {
      if (token.equals("<t" + id + ">")) {
        return Optional.of(id);
      }
    }
    int[] ids = token.matches("t[0-9]{1,9}") ? encode(token, false) : new int[0];
    return ids.length == 1 ? Optional.of(ids[0]) : Optional.empty();
  }

  @Override
  public Optional<String> idToToken(int id) {
    byte[] bytes = bytesOf(id);
    return bytes.length == 0
        ? Optional.empty()
        : Optional.of(new String(bytes, StandardCharsets.ISO_8859_1).strip());
  }

  @Override
  public boolean isSpecial(int id) {
    return specials.contains(id);
  }

  @Override
  public boolean joinsBytes() {
    return true;
  }

  @Override
  public byte[] bytesOf(int id) {
    if (id < 0 || id >= vocabSize) {
      return new byte[0];
    }
    if (specials.contains(id)) {
      return ("<t" + id + ">").getBytes(StandardCharsets.UTF_8);
    }
    boolean isByte = id >= FIRST_BYTE && id < FIRST_WORD;
    return isByte
        ? new byte[] {(byte) (id - FIRST_BYTE)}
        : (" t" + id).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public int leadingSpaceCount() {
    return 1;
  }

  @Override
  public void close() {
    // Holds no native memory.
  }
}
