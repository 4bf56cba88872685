package io.kvasir.actors.directory;

/** Hashes of keys. Every node computes the same ones: placement depends on them. */
final class Mix {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private Mix() {}

  /** Finalizer of SplitMix64: every bit of the input moves half the bits of the output. */
  static long mix64(long x) {
    long z = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** What places a chain: 64 bits of its root's key. Never 0. */
  static long root(long high, long low) {
    long digest = mix64(high + GOLDEN * low);
    return digest == 0 ? 1 : digest;
  }

  /** First half of a key with its layer group in it: chains of two groups may share keys. */
  static long inGroup(int group, long high) {
    return group == 0 ? high : high ^ mix64(GOLDEN * group);
  }

  /** Spreads a key over tables. */
  static int slot(long high, long low) {
    long mixed = (high ^ (low >>> 1)) * GOLDEN + low * 0xC2B2AE3D27D4EB4FL;
    return (int) (mixed >>> 32);
  }
}
