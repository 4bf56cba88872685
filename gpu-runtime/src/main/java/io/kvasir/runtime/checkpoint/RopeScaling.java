package io.kvasir.runtime.checkpoint;

import java.util.List;
import java.util.OptionalDouble;

/**
 * How rotary frequencies are changed for long contexts, one record per published rule. {@link
 * RotaryFrequencies} applies them.
 */
public sealed interface RopeScaling {
  /** Plain frequencies. */
  record Default() implements RopeScaling {}

  /** Every frequency divided by {@code factor}. */
  record Linear(double factor) implements RopeScaling {}

  /** Llama 3.1: long wavelengths divided by {@code factor}, short ones kept, a ramp between. */
  record Llama3(
      double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositions)
      implements RopeScaling {}

  /** YaRN: a ramp over dimensions, and a factor on cos and sin. */
  record Yarn(
      double factor,
      int originalMaxPositions,
      double betaFast,
      double betaSlow,
      OptionalDouble mscale,
      OptionalDouble mscaleAllDim,
      OptionalDouble attentionFactor,
      boolean truncate)
      implements RopeScaling {}

  /**
   * Phi-3: one divisor per frequency, the long set when the sequence may pass {@code
   * originalMaxPositions} tokens. Both lists have {@code rotaryDims / 2} entries.
   */
  record LongRope(
      List<Double> shortFactor,
      List<Double> longFactor,
      int originalMaxPositions,
      double extension,
      OptionalDouble attentionFactor)
      implements RopeScaling {
    public LongRope {
      shortFactor = List.copyOf(shortFactor);
      longFactor = List.copyOf(longFactor);
    }
  }
}
