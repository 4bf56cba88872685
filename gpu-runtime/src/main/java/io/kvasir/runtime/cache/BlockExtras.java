package io.kvasir.runtime.cache;

/**
 * Extras of each block of one sequence, such as the images that stand in it. Asked when a prefix is
 * looked up and again when the block is sealed, so it must answer the same both times.
 */
@FunctionalInterface
public interface BlockExtras {
  BlockExtras NONE = (block, from, to) -> KeyExtras.NONE;

  /**
   * @param block number of the block in the sequence
   * @param from its first token
   * @param to one past its last token
   */
  KeyExtras of(int block, int from, int to);
}
