package io.kvasir.actors.tier;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How much memory a host tier takes when nobody says. */
final class HostMemory {
  private static final int SHARE = 8;
  private static final long LEAST_BYTES = 64L << 20;

  private HostMemory() {}

  /**
   * An eighth of the machine's (or container's) memory, at most half as much as the heap may be: a
   * node that was given little takes little.
   */
  static long share() {
    long machine =
        ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean bean
            ? bean.getTotalMemorySize()
            : Runtime.getRuntime().maxMemory();
    return share(machine, Runtime.getRuntime().maxMemory());
  }

  static long share(long machineBytes, long heapBytes) {
    return Math.max(LEAST_BYTES, Math.min(machineBytes / SHARE, heapBytes / 2));
  }
}
