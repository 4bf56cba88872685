package io.kvasir.runtime.model;

/**
 * The token-mixing half of a layer: attention, a convolution, a recurrence. Reads {@code
 * context.hidden()} of the rows its plan names and adds its output to the residual rows among them.
 */
public interface Mixer {
  void mix(StepContext context, int layer);

  /** Bytes of its packed weights in device memory. */
  long weightBytes();
}
