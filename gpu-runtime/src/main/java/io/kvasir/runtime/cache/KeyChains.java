package io.kvasir.runtime.cache;

import java.nio.charset.StandardCharsets;

/** Chained block keys from a domain's canonical bytes, without a cache. Any thread. */
public final class KeyChains {
  private static final int EMPTY_SALT_BYTES = 4;

  private KeyChains() {}

  /**
   * Keys of {@code blocks} full blocks without extras.
   *
   * @param domain {@link KeyDomain#canonicalBytes} with an empty tenant salt, whose field is last
   * @param high keys' first halves, filled
   * @param low second halves, filled
   */
  public static void hash(
      byte[] domain,
      String tenantSalt,
      int slots,
      int[] tokens,
      int blocks,
      long[] high,
      long[] low) {
    KeyHasher hasher = new KeyHasher();
    byte[] digest = hasher.domainDigest(salted(domain, tenantSalt));
    for (int b = 0; b < blocks; b++) {
      hasher.hash(
          digest,
          b > 0,
          b > 0 ? high[b - 1] : 0,
          b > 0 ? low[b - 1] : 0,
          tokens,
          b * slots,
          slots,
          KeyExtras.NONE);
      high[b] = hasher.high();
      low[b] = hasher.low();
    }
  }

  /** The salt's field is the last: its length and bytes end the canonical bytes. */
  private static byte[] salted(byte[] domain, String tenantSalt) {
    byte[] salt = tenantSalt.getBytes(StandardCharsets.UTF_8);
    KeyBytes out = new KeyBytes(domain.length + salt.length);
    out.putBytes(java.util.Arrays.copyOf(domain, domain.length - EMPTY_SALT_BYTES));
    out.putInt(salt.length);
    out.putBytes(salt);
    return out.toArray();
  }
}
