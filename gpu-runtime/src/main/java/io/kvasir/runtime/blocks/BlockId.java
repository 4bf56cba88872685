package io.kvasir.runtime.blocks;

import io.kvasir.runtime.cache.BlockKey;

/**
 * An immutable block of one layer group.
 *
 * @param group layer group of the model's cache layout
 * @param high bytes 0–7 of its key, big endian
 * @param low bytes 8–15
 */
public record BlockId(int group, long high, long low) {
  /** The key alone. */
  public BlockKey key() {
    return new BlockKey(high, low);
  }
}
