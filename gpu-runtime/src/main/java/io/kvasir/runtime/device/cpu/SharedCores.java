package io.kvasir.runtime.device.cpu;

import java.util.concurrent.locks.ReentrantLock;

/**
 * One worker team for several devices, which use it in turns. Two teams on the same cores would
 * wait for each other's spinning and descheduled threads at every kernel; a turn is a step, or of a
 * long step some layers.
 *
 * <p>Thread rule: any thread. The helpers live while a device does.
 */
public final class SharedCores {
  /** A turn that has lasted so long ends with the layer it is in when somebody waits. */
  private static final long QUANTUM_NS = 10_000_000;

  private final int threads;

  /** Fair: a device that ends its step comes after those that wait. */
  private final ReentrantLock turn = new ReentrantLock(true);

  /** Guarded by the turn. */
  private long beganNs;

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
    beganNs = System.nanoTime();
  }

  /** Between two layers: a long prefill step lets a decode step in, which then runs to its end. */
  void yieldTurn() {
    if (turn.hasQueuedThreads() && System.nanoTime() - beganNs > QUANTUM_NS) {
      endTurn();
      beginTurn();
    }
  }

  void endTurn() {
    turn.unlock();
  }
}
