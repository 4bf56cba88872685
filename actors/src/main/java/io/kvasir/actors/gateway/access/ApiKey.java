package io.kvasir.actors.gateway.access;

import io.kvasir.actors.settings.KeyHash;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An API key as a client sends it: {@code kvasir-ID-SECRET}. The id finds the entry to compare
 * with, so that a request costs one hash however many keys there are. Immutable.
 *
 * @param token the whole key; a secret, so {@link #toString} leaves it out
 * @param id 12 hexadecimal digits
 */
public record ApiKey(String token, String id) {
  private static final int ID_BYTES = 6;
  private static final int SECRET_BYTES = 32;
  private static final int SALT_BYTES = 16;
  private static final Pattern TOKEN =
      Pattern.compile("kvasir-([0-9a-f]{" + 2 * ID_BYTES + "})-[A-Za-z0-9_-]{43}");

  /** Draws a new key. */
  public static ApiKey create(SecureRandom random) {
    String id = HexFormat.of().formatHex(bytes(random, ID_BYTES));
    String secret =
        Base64.getUrlEncoder().withoutPadding().encodeToString(bytes(random, SECRET_BYTES));
    return new ApiKey("kvasir-" + id + "-" + secret, id);
  }

  /** What the configuration keeps of it, with a fresh salt. */
  public KeyHash hash(SecureRandom random) {
    return KeyHash.of(id, bytes(random, SALT_BYTES), token);
  }

  /** The key in a client's text, or null when it cannot be one. */
  static ApiKey parse(String token) {
    Matcher parts = TOKEN.matcher(token);
    return parts.matches() ? new ApiKey(token, parts.group(1)) : null;
  }

  private static byte[] bytes(SecureRandom random, int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  @Override
  public String toString() {
    return "ApiKey[id=" + id + "]";
  }
}
