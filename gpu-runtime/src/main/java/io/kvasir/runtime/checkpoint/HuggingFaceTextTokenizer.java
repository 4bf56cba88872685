package io.kvasir.runtime.checkpoint;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A published tokenizer.json, run by the tokenizers library. The library's own Java front end
 * reports home over the network when it starts, so its native interface is used directly and the
 * offline switch is set before it loads. Thread-safe; {@link #close()} waits for calls under way.
 */
final class HuggingFaceTextTokenizer implements TextTokenizer {
  static {
    // Read once, when the native library is unpacked: without it a machine with a GPU would make
    // the library look for a build of its own on the network.
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
  }

  private final TokenPieces pieces;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private long handle;

  private HuggingFaceTextTokenizer(TokenPieces pieces, long handle) {
    this.pieces = pieces;
    this.handle = handle;
  }

  /**
   * Reads the bytes of a tokenizer.json.
   *
   * @throws CheckpointException if it is malformed or of an unknown kind
   */
  static HuggingFaceTextTokenizer parse(byte[] json) {
    TokenPieces pieces = TokenPieces.parse(json);
    TokenizersLibrary library = library();
    try {
      long handle = library.createTokenizerFromString(new String(json, StandardCharsets.UTF_8));
      // Lengths are the engine's business; a file may carry the settings of its training run.
      library.disableTruncation(handle);
      library.disablePadding(handle);
      return new HuggingFaceTextTokenizer(pieces, handle);
    } catch (RuntimeException e) {
      throw new CheckpointException(
          TokenPieces.FILE
              + " is refused by the tokenizers library ("
              + Problems.quote(String.valueOf(e.getMessage()))
              + "): restore the published file.",
          e);
    }
  }

  private static TokenizersLibrary library() {
    try {
      LibUtils.checkStatus();
      return TokenizersLibrary.LIB;
    } catch (LinkageError | RuntimeException e) {
      throw new CheckpointException(
          "the tokenizers library cannot be loaded on "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch")
              + ": use a supported platform and a writable home or temporary folder.",
          e);
    }
  }

  @Override
  public int idCount() {
    return pieces.idCount();
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    String clean = withoutLoneSurrogates(text);
    lock.readLock().lock();
    try {
      TokenizersLibrary library = TokenizersLibrary.LIB;
      long encoding = library.encode(open(), clean, addSpecialTokens);
      try {
        return Arrays.stream(library.getTokenIds(encoding)).mapToInt(Math::toIntExact).toArray();
      } finally {
        library.deleteEncoding(encoding);
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    // The native side converts ids without a check, so only known ones may reach it.
    long[] known =
        Arrays.stream(ids).filter(id -> pieces.piece(id) != null).asLongStream().toArray();
    if (known.length == 0) {
      return "";
    }
    lock.readLock().lock();
    try {
      return TokenizersLibrary.LIB.decode(open(), known, skipSpecialTokens);
    } finally {
      lock.readLock().unlock();
    }
  }

  private long open() {
    if (handle == 0) {
      throw new IllegalStateException("tokenizer used after close()");
    }
    return handle;
  }

  /** JNI has no text for half a surrogate pair; it becomes U+FFFD as in any UTF-8 encoder. */
  private static String withoutLoneSurrogates(String text) {
    if (text.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }

  @Override
  public Optional<Integer> tokenToId(String token) {
    return Optional.ofNullable(pieces.id(token));
  }

  @Override
  public Optional<String> idToToken(int id) {
    return Optional.ofNullable(pieces.piece(id));
  }

  @Override
  public boolean isSpecial(int id) {
    return pieces.isSpecial(id);
  }

  @Override
  public boolean joinsBytes() {
    return pieces.joinsBytes();
  }

  @Override
  public byte[] bytesOf(int id) {
    return pieces.bytes(id);
  }

  @Override
  public int leadingSpaceCount() {
    return pieces.leadingSpaceCount();
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (handle != 0) {
        TokenizersLibrary.LIB.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
