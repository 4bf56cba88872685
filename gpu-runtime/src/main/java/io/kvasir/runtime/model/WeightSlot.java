package io.kvasir.runtime.model;

import io.kvasir.runtime.device.Weight;

/**
 * Weights that may or may not be in device memory: resident ones always are, placed ones (experts)
 * come and go. A lease pins them for one use.
 */
public interface WeightSlot {
  /**
   * The weights, pinned until {@link #release()}; or null if they are not there, in which case
   * their loading was asked for and the item that needs them parks.
   */
  Weight acquire();

  void release();

  /** Bytes held in device memory now. */
  long bytes();

  /** A slot whose weights never leave. */
  static WeightSlot resident(Weight weight) {
    return new WeightSlot() {
      @Override
      public Weight acquire() {
        return weight;
      }

      @Override
      public void release() {}

      @Override
      public long bytes() {
        return weight.bytes();
      }
    };
  }
}
