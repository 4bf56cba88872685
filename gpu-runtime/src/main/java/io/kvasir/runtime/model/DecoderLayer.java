package io.kvasir.runtime.model;

/**
 * One pre-norm block: h += mixer(norm(h)); h += feedForward(norm(h)). The parts own their norms.
 */
public record DecoderLayer(Mixer mixer, FeedForward feedForward) {}
