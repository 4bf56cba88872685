package io.kvasir.runtime.cache;

/**
 * A recurrent or convolution state that a layer keeps per sequence beside its pages.
 *
 * @param layer layer that owns the state
 * @param id name within the layer, such as {@code conv} or {@code delta}
 * @param floats f32 values of one sequence's state
 */
public record StateSpec(int layer, String id, int floats) {
  public StateSpec {
    if (layer < 0 || id == null || id.isEmpty() || floats <= 0) {
      throw new IllegalArgumentException(
          "state spec layer="
              + layer
              + " id="
              + id
              + " floats="
              + floats
              + " needs a layer from 0, a name and a positive size");
    }
  }
}
