package io.kvasir.transport;

/**
 * Layers {@code [first, limit)} of a block; {@link #ALL} is every layer the block has.
 *
 * @param first first layer
 * @param limit first layer behind the range; 0 means all layers (then {@code first} is 0)
 */
public record LayerRange(int first, int limit) {
  /** Every layer. */
  public static final LayerRange ALL = new LayerRange(0, 0);

  /** Most layers a block can have: the wire carries 16 bits. */
  public static final int MAX_LAYERS = 65_535;

  public LayerRange {
    boolean all = first == 0 && limit == 0;
    if (!all && (first < 0 || limit <= first || limit > MAX_LAYERS)) {
      throw new IllegalArgumentException(
          "layers ["
              + first
              + ", "
              + limit
              + ") are no range within 0.."
              + MAX_LAYERS
              + "; give first < limit, or LayerRange.ALL");
    }
  }

  /** The range of exactly one layer. */
  public static LayerRange of(int layer) {
    return new LayerRange(layer, layer + 1);
  }
}
