package io.kvasir.transport;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The right to touch a region's memory. While one is held, the region does not finish closing, so
 * its memory outlives every read and write of a transfer. Held by the transport for each transfer
 * that names the region; ends with the transfer, which has a deadline.
 */
public final class RegionLease implements AutoCloseable {
  private final Region region;
  private final AtomicBoolean held = new AtomicBoolean(true);

  RegionLease(Region region) {
    this.region = region;
  }

  /** The leased region. */
  public Region region() {
    return region;
  }

  /** Ends the lease; further calls have no effect. */
  @Override
  public void close() {
    if (held.compareAndSet(true, false)) {
      region.release();
    }
  }
}
