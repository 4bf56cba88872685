package io.kvasir.transport.driver;

import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentTerminationException;
import org.agrona.concurrent.NanoClock;

/**
 * Watches one driver and reports its loss once. It compares heartbeats with each other on the own
 * monotonic clock, never with the wall clock, so that a step of the latter loses no driver. An
 * agent: owned by the thread that invokes it.
 */
final class DriverWatch implements Agent {
  /** Looking a process up costs a file read; the heartbeat, a memory read. */
  private static final int LOOK_UP_EVERY = 4;

  private final LongSupplier heartbeatMs;
  private final BooleanSupplier processAlive;
  private final Runnable keepAlive;
  private final long keepAliveNs;
  private final long timeoutNs;
  private final NanoClock clock;
  private final Consumer<DriverLoss.Cause> onLoss;
  private final Runnable onClose;
  private long lastHeartbeatMs;
  private long lastChangeNs;
  private long lastKeepAliveNs;
  private int cycles;

  /**
   * @param heartbeatMs −1 once the driver has closed
   * @param processAlive true where the process cannot be looked up
   * @param keepAlive tells the driver every {@code keepAliveNs} that it is wanted
   * @param onLoss called at most once, on the agent's thread
   */
  DriverWatch(
      LongSupplier heartbeatMs,
      BooleanSupplier processAlive,
      Runnable keepAlive,
      long keepAliveNs,
      long timeoutNs,
      NanoClock clock,
      Consumer<DriverLoss.Cause> onLoss,
      Runnable onClose) {
    this.heartbeatMs = heartbeatMs;
    this.processAlive = processAlive;
    this.keepAlive = keepAlive;
    this.keepAliveNs = keepAliveNs;
    this.timeoutNs = timeoutNs;
    this.clock = clock;
    this.onLoss = onLoss;
    this.onClose = onClose;
    this.lastHeartbeatMs = heartbeatMs.getAsLong();
    this.lastChangeNs = clock.nanoTime();
    this.lastKeepAliveNs = lastChangeNs;
  }

  @Override
  public int doWork() {
    long heartbeat = heartbeatMs.getAsLong();
    long nowNs = clock.nanoTime();
    if (heartbeat != lastHeartbeatMs) {
      lastHeartbeatMs = heartbeat;
      lastChangeNs = nowNs;
    }
    if (heartbeat < 0) {
      lose(DriverLoss.Cause.CLOSED);
    } else if (cycles++ % LOOK_UP_EVERY == 0 && !processAlive.getAsBoolean()) {
      lose(DriverLoss.Cause.PROCESS_GONE);
    } else if (nowNs - lastChangeNs > timeoutNs) {
      lose(DriverLoss.Cause.STALLED);
    } else if (nowNs - lastKeepAliveNs > keepAliveNs) {
      lastKeepAliveNs = nowNs;
      keepAlive.run();
    }
    return 0;
  }

  private void lose(DriverLoss.Cause cause) {
    onLoss.accept(cause);
    throw new AgentTerminationException("driver lost: " + cause, true);
  }

  @Override
  public void onClose() {
    onClose.run();
  }

  @Override
  public String roleName() {
    return "kvasir-driver-watch";
  }
}
