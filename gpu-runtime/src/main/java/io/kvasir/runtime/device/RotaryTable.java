package io.kvasir.runtime.device;

/** A device's cos and sin values of one {@link RotarySpec}. */
public interface RotaryTable {
  RotarySpec spec();
}
