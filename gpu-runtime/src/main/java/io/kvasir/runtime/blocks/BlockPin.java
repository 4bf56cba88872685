package io.kvasir.runtime.blocks;

import java.util.BitSet;

/**
 * Device blocks that are kept from eviction until this is closed, its owner is released or its
 * deadline passes, whichever is first (law 3). A running request that finds no other memory ends
 * the oldest pins before that: a pin saves work and promises nothing (law 7). Any thread.
 */
public interface BlockPin extends AutoCloseable {
  /** Which of the blocks asked for are pinned, by their place in the call. */
  BitSet pinned();

  /** Ends the pin; further calls have no effect. */
  @Override
  void close();
}
