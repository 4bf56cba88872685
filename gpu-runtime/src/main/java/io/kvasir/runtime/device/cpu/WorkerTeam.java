package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The caller and its helpers. A run hands out units in ascending chunks to whoever asks, the caller
 * included; helpers join while the run is open, and the caller waits only for those that joined, so
 * a helper that the system has not scheduled delays nobody.
 *
 * <p>Idle helpers spin for some microseconds, then yield, then park; an idle team uses no CPU. One
 * thread at a time may call {@link #run}. A run allocates nothing.
 */
final class WorkerTeam implements AutoCloseable {
  private static final int SPINS = 2_000;
  private static final int YIELDS = 300;
  private static final long OPEN = 1L << 62;
  private static final long RUN = 1L << 16;
  private static final long JOINED_MASK = RUN - 1;

  /** Work on the units [from, to); {@code worker} names the scratch to use, 0 is the caller. */
  interface Task {
    void run(int worker, int from, int to);
  }

  private final Thread[] helpers;
  private final boolean[] parked;

  /** Open flag, number of the run, and how many helpers have joined it. */
  private final AtomicLong gate = new AtomicLong();

  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger finished = new AtomicInteger();
  private volatile Throwable failure;
  private volatile boolean closed;

  // Written before the gate opens, read after joining it.
  private Task task;
  private int units;
  private int grain;

  WorkerTeam(int threads) {
    helpers = new Thread[threads - 1];
    parked = new boolean[threads - 1];
    for (int i = 0; i < helpers.length; i++) {
      int worker = i + 1;
      helpers[i] =
          Thread.ofPlatform().daemon().name("kvasir-cpu-" + worker).start(() -> help(worker));
    }
  }

  int threads() {
    return helpers.length + 1;
  }

  /** Runs {@code task} on the caller alone: for work too small to share. */
  void runAlone(Task task, int units) {
    try {
      if (units > 0) {
        task.run(0, 0, units);
      }
    } catch (RuntimeException e) {
      throw asDeviceFailure(e);
    }
  }

  /** Runs {@code task} over [0, units), {@code grain} units a chunk; returns when all is done. */
  void run(Task task, int units, int grain) {
    if (helpers.length == 0 || units <= grain) {
      runAlone(task, units);
      return;
    }
    this.task = task;
    this.units = units;
    this.grain = grain;
    failure = null;
    next.set(0);
    finished.set(0);
    long opened = ((gate.get() & ~(OPEN | JOINED_MASK)) + RUN & (OPEN - 1)) | OPEN;
    gate.set(opened);
    wake();
    work(0);
    long joined = gate.getAndUpdate(WorkerTeam::shut) & JOINED_MASK;
    for (int spins = 0; finished.get() < joined; spins++) {
      if (spins < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
    this.task = null;
    rethrow();
  }

  private static long shut(long value) {
    return value & ~OPEN;
  }

  private void wake() {
    for (int i = 0; i < helpers.length; i++) {
      if (isParked(i)) {
        LockSupport.unpark(helpers[i]);
      }
    }
  }

  private void rethrow() {
    Throwable cause = failure;
    if (cause == null) {
      return;
    }
    failure = null;
    if (cause instanceof Error error) {
      throw error;
    }
    throw asDeviceFailure(cause);
  }

  private static DeviceException asDeviceFailure(Throwable cause) {
    return cause instanceof DeviceException known
        ? known
        : new DeviceException("a kernel failed: " + cause, cause);
  }

  /** Claims chunks until none is left. */
  private void work(int worker) {
    Task mine = task;
    int end = units;
    int step = grain;
    try {
      for (int from = next.getAndAdd(step); from < end; from = next.getAndAdd(step)) {
        mine.run(worker, from, Math.min(end, from + step));
      }
    } catch (Throwable e) {
      next.set(end);
      if (failure == null) {
        failure = e;
      }
    }
  }

  private void help(int worker) {
    long last = 0;
    while (!closed) {
      long seen = awaitRun(worker, last);
      if (seen != 0 && gate.compareAndSet(seen, seen + 1)) {
        last = seen & ~JOINED_MASK;
        work(worker);
        finished.incrementAndGet();
      }
    }
  }

  /** The gate of an open run that this helper has not worked on, or 0 to look again. */
  private long awaitRun(int worker, long last) {
    for (int i = 0; i < SPINS + YIELDS; i++) {
      long now = gate.get();
      if (isNew(now, last)) {
        return now;
      }
      if (i < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
    setParked(worker - 1, true);
    // The caller opens the gate first and looks at the flag second; here the order is reversed, so
    // one of the two sees the other.
    if (!isNew(gate.get(), last) && !closed) {
      LockSupport.park(this);
    }
    setParked(worker - 1, false);
    return 0;
  }

  private static boolean isNew(long gate, long last) {
    return (gate & OPEN) != 0 && (gate & ~JOINED_MASK) != last;
  }

  /** Whether every helper is parked, or about to. */
  boolean idle() {
    for (int i = 0; i < helpers.length; i++) {
      if (!isParked(i)) {
        return false;
      }
    }
    return true;
  }

  private boolean isParked(int helper) {
    return (boolean) PARKED.getVolatile(parked, helper);
  }

  private void setParked(int helper, boolean value) {
    PARKED.setVolatile(parked, helper, value);
  }

  private static final java.lang.invoke.VarHandle PARKED =
      java.lang.invoke.MethodHandles.arrayElementVarHandle(boolean[].class);

  /** Ends the helpers; they finish what they are at. */
  @Override
  public void close() {
    closed = true;
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
  }
}
