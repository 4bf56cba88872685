package io.kvasir.runtime.cache;

import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/**
 * Makes block keys. The canonical bytes of a key, little endian:
 *
 * <pre>
 * offset   bytes  type  meaning
 * 0        4      u8    'K' 'V' 'K' 'B'
 * 4        1      u8    version, 1
 * 5        1      u8    flags: bit 0 = has a parent
 * 6        2      u16   0
 * 8        32     u8    SHA-256 of the domain's canonical bytes ({@link KeyDomain})
 * 40       16     u8    parent key, digest bytes in order; zero without parent
 * 56       4      u32   token count n
 * 60       4 n    i32   tokens
 * 60 + 4n  2      u16   extra count
 * …        …      extra u16 tag, u32 lengthBytes, bytes; ascending tag
 * </pre>
 *
 * The key is the first 16 bytes of the SHA-256 of these bytes. The domain enters as its own digest
 * so that hashing a block costs about as much as its tokens. One thread; allocates nothing once its
 * buffer has grown.
 */
final class KeyHasher {
  private final MessageDigest sha256;
  private final KeyBytes bytes = new KeyBytes(1024);
  private final byte[] digest = new byte[32];
  private long high;
  private long low;

  KeyHasher() {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256, which every JDK must have", e);
    }
  }

  byte[] domainDigest(byte[] canonicalBytes) {
    return sha256.digest(canonicalBytes);
  }

  /** Hashes one block; the result is in {@link #high()} and {@link #low()}. */
  void hash(
      byte[] domainDigest,
      boolean hasParent,
      long parentHigh,
      long parentLow,
      int[] tokens,
      int from,
      int count,
      KeyExtras extras) {
    canonical(domainDigest, hasParent, parentHigh, parentLow, tokens, from, count, extras);
    sha256.update(bytes.array(), 0, bytes.length());
    try {
      sha256.digest(digest, 0, digest.length);
    } catch (DigestException e) {
      throw new IllegalStateException("SHA-256 did not yield 32 bytes", e);
    }
    high = half(0);
    low = half(8);
  }

  /** The canonical bytes of a block key; what {@link #hash} digests. */
  byte[] canonical(
      byte[] domainDigest,
      boolean hasParent,
      long parentHigh,
      long parentLow,
      int[] tokens,
      int from,
      int count,
      KeyExtras extras) {
    bytes.reset();
    bytes.putByte('K');
    bytes.putByte('V');
    bytes.putByte('K');
    bytes.putByte('B');
    bytes.putByte(1);
    bytes.putByte(hasParent ? 1 : 0);
    bytes.putShort(0);
    bytes.putBytes(domainDigest);
    bytes.putKeyHalf(hasParent ? parentHigh : 0);
    bytes.putKeyHalf(hasParent ? parentLow : 0);
    bytes.putInt(count);
    for (int i = 0; i < count; i++) {
      bytes.putInt(tokens[from + i]);
    }
    List<KeyExtras.Field> fields = extras.fields();
    bytes.putShort(fields.size());
    for (int i = 0; i < fields.size(); i++) {
      bytes.putField(fields.get(i).tag(), fields.get(i).value());
    }
    return bytes.array();
  }

  int canonicalLength() {
    return bytes.length();
  }

  private long half(int at) {
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | (digest[at + i] & 0xFF);
    }
    return value;
  }

  long high() {
    return high;
  }

  long low() {
    return low;
  }
}
