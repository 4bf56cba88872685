package io.kvasir.runtime.model;

import io.kvasir.runtime.device.DeviceFloats;

/**
 * Hidden states of rows that stopped before a layer and may resume there in a later step. Owned by
 * whoever holds it; {@link #close()} frees the device memory.
 *
 * @param layer the layer they have not yet passed
 * @param stage the half of that layer they have not yet passed
 * @param ordinals the item's row ordinals, ascending
 * @param hidden [ordinals.length, hiddenSize]
 */
public record ParkedRows(int layer, Stage stage, int[] ordinals, DeviceFloats hidden)
    implements AutoCloseable {

  /** The two halves of a layer. */
  public enum Stage {
    MIXER,
    FEED_FORWARD
  }

  @Override
  public void close() {
    hidden.close();
  }
}
