package io.kvasir.transport.protocol;

import io.kvasir.transport.Region;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** Registered regions by id. Registered by any thread, read by the agent; bounded. */
public final class RegionTable {
  /** Most regions of one transport. */
  public static final int MAX_REGIONS = 256;

  private final AtomicReferenceArray<Region> regions = new AtomicReferenceArray<>(MAX_REGIONS);

  /** A free id, under which the region made by {@code factory} is then known. */
  public synchronized Region add(java.util.function.IntFunction<Region> factory) {
    for (int id = 0; id < MAX_REGIONS; id++) {
      Region present = regions.get(id);
      if (present == null || (present.isClosing() && present.leaseCount() == 0)) {
        Region region = factory.apply(id);
        regions.set(id, region);
        return region;
      }
    }
    throw new IllegalStateException(
        "regionCount=" + MAX_REGIONS + " is the bound; close a region first");
  }

  /** The region of an id, or null. */
  public Region get(int id) {
    return id < 0 || id >= MAX_REGIONS ? null : regions.get(id);
  }

  /** Leases held over all regions. */
  public long leaseCount() {
    long leases = 0;
    for (int id = 0; id < MAX_REGIONS; id++) {
      Region region = regions.get(id);
      leases += region == null ? 0 : region.leaseCount();
    }
    return leases;
  }
}
