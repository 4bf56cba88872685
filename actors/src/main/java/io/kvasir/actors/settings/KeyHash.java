package io.kvasir.actors.settings;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the configuration holds instead of an API key: its public id, a salt, and SHA-256 of salt
 * and key. The keys are 256 random bits that {@code kvasir keys create} drew, so there is no
 * dictionary that a slow password hash would have to hold up, and one fast hash per request is
 * enough. Immutable.
 *
 * @param id the part of the key that says which entry to compare with; no secret
 */
public record KeyHash(String id, String saltHex, String hashHex) {
  private static final Pattern LINE =
      Pattern.compile("sha256:([0-9a-f]{12}):([0-9a-f]{32}):([0-9a-f]{64})");

  /** Hashes a key. */
  public static KeyHash of(String id, byte[] salt, String key) {
    HexFormat hex = HexFormat.of();
    return new KeyHash(id, hex.formatHex(salt), hex.formatHex(digest(salt, key)));
  }

  /** Reads what {@link #line()} wrote; empty when it is none. */
  public static Optional<KeyHash> parse(String line) {
    Matcher parts = LINE.matcher(line);
    return parts.matches()
        ? Optional.of(new KeyHash(parts.group(1), parts.group(2), parts.group(3)))
        : Optional.empty();
  }

  /** The entry as it stands in the configuration: {@code sha256:ID:SALT:HASH}. */
  public String line() {
    return "sha256:" + id + ":" + saltHex + ":" + hashHex;
  }

  /** True for the key that was hashed; takes the same time for every other one. */
  public boolean matches(String key) {
    HexFormat hex = HexFormat.of();
    return MessageDigest.isEqual(hex.parseHex(hashHex), digest(hex.parseHex(saltHex), key));
  }

  private static byte[] digest(byte[] salt, String key) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update(salt);
      return sha.digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every JDK has SHA-256", impossible);
    }
  }
}
