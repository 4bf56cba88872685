package io.kvasir.runtime.engine;

/**
 * How the hidden states of an input, after the final norm, become the one vector of an embedding.
 */
public enum Pooling {
  /**
   * The last token's: under causal attention the only row that has seen the whole input, and what
   * decoder models that were trained to embed are read by.
   */
  LAST,
  /** The mean over all tokens. */
  MEAN
}
