package io.kvasir.transport;

import java.util.Objects;

/**
 * One block of a pull.
 *
 * @param key block asked for
 * @param layers which layers; they land at their place within the destination slot
 * @param encoding encoding expected; another one is refused
 * @param destination own slot, which belongs to the transport until the verdict
 * @param source where the peer holds it, or null to let the peer look the key up; another
 *     generation is refused
 */
public record PullBlock(
    BlockKey key, LayerRange layers, int encoding, BlockRef destination, BlockRef source) {
  public PullBlock {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(layers, "layers");
    Objects.requireNonNull(destination, "destination");
  }

  /** All layers, looked up by key. */
  public static PullBlock of(BlockKey key, int encoding, BlockRef destination) {
    return new PullBlock(key, LayerRange.ALL, encoding, destination, null);
  }
}
