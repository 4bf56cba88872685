package io.kvasir.runtime.device;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A rotary embedding: angle of pair i at position t is {@code t × frequencies[i]}; cos and sin are
 * multiplied by {@code scale}. Angles and their cos and sin are computed in f64 with {@link
 * StrictMath} and rounded once to f32.
 *
 * @param frequencies one per pair; the first {@code 2 × frequencies.length} channels rotate
 * @param scale multiplier of cos and sin (YaRN, longrope), 1 otherwise
 * @param interleaved pairs (2i, 2i+1) instead of (i, i + pairs)
 * @param axes per pair, which of a row's positions turns it; {@code null} when rows have one
 */
public record RotarySpec(double[] frequencies, double scale, boolean interleaved, int[] axes) {
  public RotarySpec {
    frequencies = frequencies.clone();
    axes = axes == null ? null : axes.clone();
    if (axes != null && axes.length != frequencies.length) {
      throw new IllegalArgumentException(
          "axes.length="
              + axes.length
              + " != frequencies.length="
              + frequencies.length
              + ", give one axis per pair");
    }
  }

  public RotarySpec(double[] frequencies, double scale) {
    this(frequencies, scale, false, null);
  }

  /** Positions a row carries: 1, or the largest axis + 1. */
  public int axisCount() {
    return axes == null ? 1 : Arrays.stream(axes).max().orElse(0) + 1;
  }

  public int pairs() {
    return frequencies.length;
  }

  /** Hex digest of everything that fixes the rotation; part of a block key's domain. */
  public String digest() {
    ByteBuffer bytes = ByteBuffer.allocate(8 * frequencies.length + 4 * frequencies.length + 9);
    for (double f : frequencies) {
      bytes.putDouble(f);
    }
    for (int i = 0; i < frequencies.length; i++) {
      bytes.putInt(axes == null ? 0 : axes[i]);
    }
    bytes.putDouble(scale).put((byte) (interleaved ? 1 : 0));
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes.array());
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RotarySpec that
        && Arrays.equals(frequencies, that.frequencies)
        && Double.compare(scale, that.scale) == 0
        && interleaved == that.interleaved
        && Arrays.equals(axes, that.axes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(frequencies) * 31 + Double.hashCode(scale);
  }
}
