package io.kvasir.runtime.checkpoint;

/** A tensor that a model of a given shape must have. */
public record TensorSpec(String name, long... shape) {}
