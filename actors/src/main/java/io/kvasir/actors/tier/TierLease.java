package io.kvasir.actors.tier;

import java.util.BitSet;

/**
 * Blocks of a tier that are kept until this is closed, its owner is released or its deadline
 * passes, whichever is first (law 3). Any thread.
 */
public interface TierLease extends AutoCloseable {
  /** Which of the blocks asked for are kept, by their place in the call. */
  BitSet pinned();

  /** Ends the lease; further calls have no effect. */
  @Override
  void close();
}
