package io.kvasir.actors.directory;

import io.kvasir.runtime.blocks.Residence;

/**
 * Tells the directory what this node's tiers hold. Any thread, never blocks: changes are batched,
 * and when they come faster than they can be sent the directory is told everything anew instead.
 */
public interface Announcer {
  /**
   * A block appeared in a tier.
   *
   * @param rootHigh key of the chain's root, which places it
   * @param index place in the chain, from 0
   */
  void added(
      Residence tier, int group, long high, long low, long rootHigh, long rootLow, int index);

  /** A block left a tier. */
  void removed(Residence tier, int group, long high, long low);

  /** A tier was emptied. */
  void cleared(Residence tier);
}
