package io.kvasir.transport;

import java.util.Objects;

/**
 * One block of a push.
 *
 * @param block what to send; stays sealed until the verdict, or its generation is renewed
 * @param layers which layers
 */
public record PushBlock(SealedBlock block, LayerRange layers) {
  public PushBlock {
    Objects.requireNonNull(block, "block");
    Objects.requireNonNull(layers, "layers");
  }

  /** All layers of a block. */
  public static PushBlock of(SealedBlock block) {
    return new PushBlock(block, LayerRange.ALL);
  }
}
