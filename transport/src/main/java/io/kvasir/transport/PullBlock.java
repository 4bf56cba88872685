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
 * @param patient whether a peer that does not know the key waits until it does ({@link
 *     BlockTransport#lookAgain} there), as long as the pull may last, instead of refusing it. No
 *     block of a pull is sent before the last one is known or refused
 */
public record PullBlock(
    BlockKey key,
    LayerRange layers,
    int encoding,
    BlockRef destination,
    BlockRef source,
    boolean patient) {
  /** A block that the peer has now or refuses. */
  public PullBlock(
      BlockKey key, LayerRange layers, int encoding, BlockRef destination, BlockRef source) {
    this(key, layers, encoding, destination, source, false);
  }

  public PullBlock {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(layers, "layers");
    Objects.requireNonNull(destination, "destination");
  }

  /** All layers of a block that the peer is about to have. */
  public static PullBlock soon(BlockKey key, int encoding, BlockRef destination) {
    return new PullBlock(key, LayerRange.ALL, encoding, destination, null, true);
  }

  /** All layers, looked up by key. */
  public static PullBlock of(BlockKey key, int encoding, BlockRef destination) {
    return new PullBlock(key, LayerRange.ALL, encoding, destination, null);
  }
}
