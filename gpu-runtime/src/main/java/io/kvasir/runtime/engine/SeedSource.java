package io.kvasir.runtime.engine;

import java.security.SecureRandom;

/**
 * Seeds of requests that bring none: from entropy, or counted from a base for reproducible runs.
 */
final class SeedSource {
  private final long base;
  private long drawn;

  SeedSource(Long base) {
    this.base = base == null ? new SecureRandom().nextLong() : base;
  }

  /** Never negative, so that it survives JSON numbers of any client. */
  long next() {
    return RandomDraws.bits(base, drawn++, 7) >>> 11;
  }
}
