package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.BlockListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps the failures of a listener from the engine, which would stop on them. Engine thread. */
final class SafeListener implements BlockListener {
  private static final Logger LOG = LoggerFactory.getLogger(SafeListener.class);

  private final BlockListener listener;

  SafeListener(BlockListener listener) {
    this.listener = listener;
  }

  @Override
  public void sealed(int group, long high, long low, long rootHigh, long rootLow, int index) {
    try {
      listener.sealed(group, high, low, rootHigh, rootLow, index);
    } catch (RuntimeException e) {
      LOG.error("a listener failed on a sealed block, which it now does not know of", e);
    }
  }

  @Override
  public void evicted(int group, long high, long low) {
    try {
      listener.evicted(group, high, low);
    } catch (RuntimeException e) {
      LOG.error("a listener failed on an evicted block, which it now believes cached", e);
    }
  }
}
