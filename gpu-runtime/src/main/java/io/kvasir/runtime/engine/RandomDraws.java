package io.kvasir.runtime.engine;

/**
 * Random numbers as a function of (seed, position, sub-draw): no state, so a replay, another batch
 * or another node draws the same. The mixer is SplitMix64's finaliser over a Weyl combination.
 */
public final class RandomDraws {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private RandomDraws() {}

  /** Uniform 64 bits. */
  public static long bits(long seed, long position, int subDraw) {
    long z = mix(seed + GOLDEN);
    z = mix(z ^ (position * GOLDEN + 0x632BE59BD9B4E019L));
    return mix(z ^ (subDraw * 0xD1B54A32D192ED03L + GOLDEN));
  }

  /** Uniform in [0, 1) with 53 bits. */
  public static double uniform(long seed, long position, int subDraw) {
    return (bits(seed, position, subDraw) >>> 11) * 0x1.0p-53;
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
