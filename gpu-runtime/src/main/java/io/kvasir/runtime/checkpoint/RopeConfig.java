package io.kvasir.runtime.checkpoint;

/**
 * Rotary position embedding of a model, half-split form: pairs {@code (i, i + rotaryDims / 2)}.
 *
 * @param theta base of the frequencies
 * @param rotaryDims leading dimensions of a head that rotate; even, at most {@code headDim}
 */
public record RopeConfig(double theta, int rotaryDims, RopeScaling scaling) {}
