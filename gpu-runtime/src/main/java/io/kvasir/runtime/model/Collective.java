package io.kvasir.runtime.model;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;

/**
 * A step's port to the other ranks of its group. In-process here; the actors inject one over
 * transport. Sums are taken in rank order whatever the order of arrival, so results are bit-equal
 * on all ranks and runs.
 */
public interface Collective {
  int rank();

  int size();

  /**
   * values[i] = ((rank 0's + rank 1's) + rank 2's) …, on every rank. Blocks the step until all
   * ranks came; every rank calls it for the same layer and count.
   */
  void allReduceSum(Device device, DeviceFloats values, long offset, int count);
}
