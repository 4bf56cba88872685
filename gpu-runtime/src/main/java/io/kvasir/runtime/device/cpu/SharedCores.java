package io.kvasir.runtime.device.cpu;

import java.util.concurrent.locks.ReentrantLock;

/**
 * One worker team for several devices, which use it in turns. Two teams on the same cores would
 * wait for each other's spinning and descheduled threads at every kernel; a turn is a whole step.
 *
 * <p>Thread rule: any thread. The helpers live while a device does.
 */
public final class SharedCores {
  private final int threads;

  /** Fair: a device that ends its step comes after those that wait. */
  private final ReentrantLock turn = new ReentrantLock(true);

  private WorkerTeam team;
  private int members;

  /**
   * @throws io.kvasir.runtime.device.DeviceException if {@code threads} is not in [1, 1024]
   */
  public SharedCores(int threads) {
    CpuDevice.requireThreads(threads);
    this.threads = threads;
  }

  int threads() {
    return threads;
  }

  /** The team, until {@link #leave}. */
  synchronized WorkerTeam join() {
    if (members++ == 0) {
      team = new WorkerTeam(threads);
    }
    return team;
  }

  /** Ends one {@link #join}; the last one ends the helpers. */
  synchronized void leave() {
    if (--members == 0) {
      team.close();
      team = null;
    }
  }

  void beginTurn() {
    turn.lock();
  }

  void endTurn() {
    turn.unlock();
  }
}
