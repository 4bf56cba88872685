package io.kvasir.runtime.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** 128 bits of SHA-256 over length-prefixed parts. Not thread-safe. */
final class Digest {
  private final MessageDigest sha;

  Digest() {
    try {
      sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  Digest add(byte[] bytes) {
    return add(bytes, bytes.length);
  }

  Digest add(byte[] bytes, int count) {
    sha.update(ByteBuffer.allocate(4).putInt(0, count));
    sha.update(bytes, 0, count);
    return this;
  }

  Digest add(String text) {
    return add(text.getBytes(StandardCharsets.UTF_8));
  }

  String hex() {
    return HexFormat.of().formatHex(sha.digest(), 0, 16);
  }

  /** The first eight bytes as a number; for seeds. */
  long asLong() {
    return ByteBuffer.wrap(sha.digest()).getLong();
  }
}
