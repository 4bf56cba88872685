package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * References to cached blocks that no sequence holds: what a tier or a request about to come keeps
 * from eviction. Holds a lease of its own kind, with owner and deadline (law 3). Engine thread.
 */
public final class PinnedBlocks implements AutoCloseable {
  private final KvCache cache;
  private long[] handles = new long[16];
  private int count;
  private long leaseId;
  private boolean closed;

  PinnedBlocks(KvCache cache) {
    this.cache = cache;
  }

  void leased(long id) {
    leaseId = id;
  }

  /** Takes over a reference. */
  void add(long handle) {
    if (closed) {
      throw new IllegalStateException(
          "a pin of " + count + " blocks has ended and takes no more, open another one");
    }
    if (count == handles.length) {
      handles = Arrays.copyOf(handles, 2 * count);
    }
    handles[count++] = handle;
  }

  /** Blocks pinned, those pinned twice counted twice. */
  public int count() {
    return count;
  }

  /**
   * Where a pinned block lies in page memory.
   *
   * @throws StalePageException when the pin has ended and the page went to somebody else
   */
  public long address(int ordinal) {
    return cache.store.address(handles[ordinal]);
  }

  public boolean isClosed() {
    return closed;
  }

  /**
   * Gives all references back, the last first, so that chains are evicted from their tails. Closing
   * twice is allowed and does nothing.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      for (int i = count - 1; i >= 0; i--) {
        cache.store.release(handles[i]);
      }
      cache.pins().close(leaseId);
    }
  }
}
