package io.kvasir.runtime.cache;

import java.util.HexFormat;

/**
 * The 128-bit name of an immutable block: the first 16 bytes of SHA-256 over the canonical bytes
 * that {@link KeyHasher} documents. SHA-256 and not a fast hash, because keys are compared instead
 * of contents: a tenant who could construct two texts of one key, or a text with another tenant's
 * key, could serve or read foreign KV.
 *
 * @param high bytes 0–7 of the digest, big endian
 * @param low bytes 8–15
 */
public record BlockKey(long high, long low) {
  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(high) + hex.toHexDigits(low);
  }

  public static BlockKey parse(String hex) {
    if (hex.length() != 32) {
      throw new IllegalArgumentException(
          "block key has " + hex.length() + " hex digits, 32 are needed");
    }
    return new BlockKey(
        HexFormat.fromHexDigitsToLong(hex.substring(0, 16)),
        HexFormat.fromHexDigitsToLong(hex.substring(16)));
  }
}
