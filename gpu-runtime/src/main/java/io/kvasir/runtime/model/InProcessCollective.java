package io.kvasir.runtime.model;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Ranks of one process, each with its device and executor on a thread of its own, that meet in host
 * memory. Every rank sums all ranks' values itself, in rank order, so the bits are equal everywhere
 * and do not depend on who came first.
 *
 * <p>Thread rule: one thread per rank. Failure: a rank that waits longer than the group's patience,
 * or whose group is broken, throws {@link DeviceException}; a broken group stays broken.
 */
public final class InProcessCollective implements Collective {
  private final Group group;
  private final int rank;

  /** Calls since the start; a fast rank is at most one call ahead, so two sets of parts suffice. */
  private long calls;

  private float[] sum = new float[0];

  private InProcessCollective(Group group, int rank) {
    this.group = group;
    this.rank = rank;
  }

  /** What the ranks share: their parts of the current and of the previous call. */
  private static final class Group {
    private final float[][][] parts;
    private final int[][] counts;
    private final CyclicBarrier barrier;
    private final long patienceNs;

    Group(int size, long patienceNs) {
      parts = new float[2][size][0];
      counts = new int[2][size];
      barrier = new CyclicBarrier(size);
      this.patienceNs = patienceNs;
    }
  }

  /**
   * The ranks of a new group, in order.
   *
   * @param patienceNs how long a rank waits for the others before it gives the group up
   */
  public static List<Collective> group(int size, long patienceNs) {
    Group group = new Group(size, patienceNs);
    List<Collective> ranks = new ArrayList<>();
    for (int r = 0; r < size; r++) {
      ranks.add(new InProcessCollective(group, r));
    }
    return List.copyOf(ranks);
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return group.barrier.getParties();
  }

  @Override
  public void allReduceSum(Device device, DeviceFloats values, long offset, int count) {
    int turn = (int) (calls++ & 1);
    float[][] parts = group.parts[turn];
    if (parts[rank].length < count) {
      parts[rank] = new float[count];
    }
    group.counts[turn][rank] = count;
    device.download(values, offset, parts[rank], 0, count);
    device.await();
    meet();
    if (sum.length < count) {
      sum = new float[count];
    }
    for (int r = 0; r < size(); r++) {
      requireSameCount(r, group.counts[turn][r], count);
    }
    System.arraycopy(parts[0], 0, sum, 0, count);
    for (int r = 1; r < size(); r++) {
      for (int i = 0; i < count; i++) {
        sum[i] += parts[r][i];
      }
    }
    device.upload(sum, 0, values, offset, count);
  }

  private void requireSameCount(int other, int otherCount, int count) {
    if (otherCount != count) {
      throw new DeviceException(
          "rank "
              + rank
              + " sums count="
              + count
              + " but rank "
              + other
              + " sums "
              + otherCount
              + ", run the same step on all ranks");
    }
  }

  private void meet() {
    try {
      group.barrier.await(group.patienceNs, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DeviceException("rank " + rank + " was interrupted while it waited for others", e);
    } catch (BrokenBarrierException | TimeoutException e) {
      throw new DeviceException(
          "rank "
              + rank
              + " of "
              + size()
              + " gave up after at most "
              + group.patienceNs
              + " ns because another rank failed or is late, reload the model on all ranks",
          e);
    }
  }
}
