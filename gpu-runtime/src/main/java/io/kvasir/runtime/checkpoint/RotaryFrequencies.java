package io.kvasir.runtime.checkpoint;

import java.util.List;

/**
 * Angles per position: dimension pair {@code i} turns by {@code t * frequency(i)} at position
 * {@code t}, and cos and sin are multiplied by {@link #attentionFactor()}. Immutable.
 */
public final class RotaryFrequencies {
  private final double[] frequencies;
  private final double attentionFactor;
  private final boolean longSet;

  private RotaryFrequencies(double[] frequencies, double attentionFactor, boolean longSet) {
    this.frequencies = frequencies;
    this.attentionFactor = attentionFactor;
    this.longSet = longSet;
  }

  /**
   * Frequencies for a sequence that may grow to {@code totalLengthTokens}. Only longrope depends on
   * the length; there the choice is for the life of the sequence, because crossing the border would
   * invalidate every cached key.
   */
  public static RotaryFrequencies of(RopeConfig rope, int totalLengthTokens) {
    int pairs = rope.rotaryDims() / 2;
    double[] f = new double[pairs];
    for (int i = 0; i < pairs; i++) {
      f[i] = StrictMath.pow(rope.theta(), -2.0 * i / rope.rotaryDims());
    }
    return switch (rope.scaling()) {
      case RopeScaling.Default ignored -> new RotaryFrequencies(f, 1.0, false);
      case RopeScaling.Linear linear -> {
        for (int i = 0; i < pairs; i++) {
          f[i] /= linear.factor();
        }
        yield new RotaryFrequencies(f, 1.0, false);
      }
      case RopeScaling.Llama3 llama3 -> {
        for (int i = 0; i < pairs; i++) {
          f[i] = scaleLlama3(f[i], llama3);
        }
        yield new RotaryFrequencies(f, 1.0, false);
      }
      case RopeScaling.Yarn yarn -> {
        scaleYarn(f, rope, yarn);
        yield new RotaryFrequencies(f, yarnAttentionFactor(yarn), false);
      }
      case RopeScaling.LongRope longRope -> {
        boolean useLong = totalLengthTokens > longRope.originalMaxPositions();
        List<Double> divisors = useLong ? longRope.longFactor() : longRope.shortFactor();
        for (int i = 0; i < pairs; i++) {
          f[i] /= divisors.get(i);
        }
        yield new RotaryFrequencies(f, longRopeAttentionFactor(longRope), useLong);
      }
    };
  }

  private static double scaleLlama3(double f, RopeScaling.Llama3 s) {
    double wavelength = 2 * Math.PI / f;
    double original = s.originalMaxPositions();
    if (wavelength < original / s.highFreqFactor()) {
      return f;
    }
    if (wavelength > original / s.lowFreqFactor()) {
      return f / s.factor();
    }
    double keep =
        (original / wavelength - s.lowFreqFactor()) / (s.highFreqFactor() - s.lowFreqFactor());
    return (1 - keep) * f / s.factor() + keep * f;
  }

  private static void scaleYarn(double[] f, RopeConfig rope, RopeScaling.Yarn s) {
    double low = yarnDimension(s.betaFast(), rope, s);
    double high = yarnDimension(s.betaSlow(), rope, s);
    if (s.truncate()) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, rope.rotaryDims() - 1);
    if (low == high) {
      high += 0.001;
    }
    for (int i = 0; i < f.length; i++) {
      double ramp = Math.clamp((i - low) / (high - low), 0.0, 1.0);
      f[i] = f[i] / s.factor() * ramp + f[i] * (1 - ramp);
    }
  }

  /** The (real-valued) pair index that turns {@code rotations} times over the original length. */
  private static double yarnDimension(double rotations, RopeConfig rope, RopeScaling.Yarn s) {
    return rope.rotaryDims()
        * StrictMath.log(s.originalMaxPositions() / (2 * Math.PI * rotations))
        / (2 * StrictMath.log(rope.theta()));
  }

  private static double yarnAttentionFactor(RopeScaling.Yarn s) {
    if (s.attentionFactor().isPresent()) {
      return s.attentionFactor().getAsDouble();
    }
    // A zero counts as absent, as in the published readers.
    double mscale = s.mscale().orElse(0);
    double allDim = s.mscaleAllDim().orElse(0);
    if (mscale != 0 && allDim != 0) {
      return yarnMagnitude(s.factor(), mscale) / yarnMagnitude(s.factor(), allDim);
    }
    return yarnMagnitude(s.factor(), 1);
  }

  private static double yarnMagnitude(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * StrictMath.log(factor) + 1;
  }

  private static double longRopeAttentionFactor(RopeScaling.LongRope s) {
    if (s.attentionFactor().isPresent()) {
      return s.attentionFactor().getAsDouble();
    }
    double extension = s.extension();
    return extension <= 1
        ? 1
        : StrictMath.sqrt(1 + StrictMath.log(extension) / StrictMath.log(s.originalMaxPositions()));
  }

  /** Number of rotating pairs: {@code rotaryDims / 2}. */
  public int pairCount() {
    return frequencies.length;
  }

  /** Radians per position of pair {@code index}. */
  public double frequency(int index) {
    return frequencies[index];
  }

  /** A copy of all frequencies, {@code [pairCount]}. */
  public double[] frequencies() {
    return frequencies.clone();
  }

  /** Multiplies cos and sin, so scores grow by its square. */
  public double attentionFactor() {
    return attentionFactor;
  }

  /** True when longrope chose its long set; must be part of the key of cached keys. */
  public boolean longSet() {
    return longSet;
  }
}
