package io.kvasir.transport.driver;

import io.aeron.Aeron;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.SleepingMillisIdleStrategy;
import org.agrona.concurrent.SystemNanoClock;

/**
 * A media driver that this process may use. Closing it ends an embedded driver and only lets go of
 * any other: a handle never deletes a folder that others may use. Close the clients first.
 * Thread-safe.
 */
public final class DriverHandle implements AutoCloseable {
  private static final int MAX_LISTENERS = 64;
  private static final long LONGEST_PERIOD_MS = 200;

  /**
   * Between two looks of a client's conductor, which only makes and ends publications and
   * subscriptions and says that the client lives: frames do not wait for it.
   */
  private static final long CONDUCTOR_PERIOD_MS = 100;

  private final DriverSettings settings;
  private final LogSizing sizing;
  private final Path folder;
  private final long driverId;
  private final long ownerPid;
  private final AutoCloseable driver;
  private final AgentRunner watch;
  private final List<Consumer<DriverLoss>> listeners = new ArrayList<>();
  private DriverLoss loss;
  private boolean closed;

  /**
   * @param home of a driver of ours; null for an external one
   * @param driver ended on close; null for a driver of somebody else's
   */
  DriverHandle(
      DriverSettings settings,
      LogSizing sizing,
      Path folder,
      long driverId,
      DriverFolder home,
      AutoCloseable driver,
      ErrorHandler errorHandler) {
    this.settings = settings;
    this.sizing = sizing;
    this.folder = folder;
    this.driverId = driverId;
    this.ownerPid = home == null ? -1 : home.owner().pid();
    this.driver = driver;
    CncView view = CncView.open(folder);
    if (view == null) {
      throw new ConfigurationException(
          "the driver in " + folder + " ended while this node attached, start the node again");
    }
    boolean knowable = home != null && home.owner().isOfThisSpace();
    DriverWatch agent =
        new DriverWatch(
            view::heartbeatMs,
            () -> !knowable || home.owner().isAlive(),
            home == null ? () -> {} : home::touch,
            settings.idleExit().toNanos() / 4,
            settings.driverTimeout().toNanos(),
            SystemNanoClock.INSTANCE,
            cause -> lose(new DriverLoss(cause, folder)),
            view::close);
    long periodMs =
        Math.max(1, Math.min(LONGEST_PERIOD_MS, settings.driverTimeout().toMillis() / 20));
    watch = new AgentRunner(new SleepingMillisIdleStrategy(periodMs), errorHandler, null, agent);
    Thread thread = AgentRunner.startOnThread(watch);
    thread.setName(agent.roleName());
  }

  private void lose(DriverLoss lost) {
    List<Consumer<DriverLoss>> told;
    synchronized (this) {
      if (closed) {
        return;
      }
      loss = lost;
      told = List.copyOf(listeners);
    }
    told.forEach(listener -> listener.accept(lost));
  }

  /**
   * Calls {@code listener} when the driver is lost: once, on the watching thread, which it must not
   * hold up; at once on this thread if that has happened already. Not called after {@link #close}.
   */
  public void onLoss(Consumer<DriverLoss> listener) {
    DriverLoss already;
    synchronized (this) {
      already = loss;
      if (already == null) {
        if (listeners.size() == MAX_LISTENERS) {
          throw new IllegalStateException(
              "this driver has " + MAX_LISTENERS + " listeners, register one and pass on");
        }
        listeners.add(listener);
      }
    }
    if (already != null) {
      listener.accept(already);
    }
  }

  /** Null while the driver lives. */
  public synchronized DriverLoss loss() {
    return loss;
  }

  /** Aeron's folder, as clients need it. */
  public Path folder() {
    return folder;
  }

  /** Equal for two nodes if and only if they use one driver and so may use shared memory. */
  public long driverId() {
    return driverId;
  }

  /** Process of the driver; −1 for an external one. */
  public long ownerPid() {
    return ownerPid;
  }

  /** Whether the driver lives in this process and ends with this handle. */
  public boolean isEmbedded() {
    return driver != null;
  }

  public LogSizing sizing() {
    return sizing;
  }

  public DriverSettings settings() {
    return settings;
  }

  /**
   * What an Aeron client of this driver starts from: folder, time-outs, name and error handler
   * (Aeron's own would end this process when the driver is lost). The caller owns it.
   */
  public Aeron.Context clientContext(String clientName, ErrorHandler errorHandler) {
    long keepAliveNs =
        Math.min(
            TimeUnit.MILLISECONDS.toNanos(500), settings.clientLivenessTimeout().toNanos() / 5);
    return new Aeron.Context()
        .aeronDirectoryName(folder.toString())
        .clientName(clientName)
        .driverTimeoutMs(settings.driverTimeout().toMillis())
        .keepAliveIntervalNs(keepAliveNs)
        .idleStrategy(new SleepingMillisIdleStrategy(CONDUCTOR_PERIOD_MS))
        .errorHandler(errorHandler)
        .subscriberErrorHandler(errorHandler);
  }

  /** Lets go of the driver; ends it and removes its folder if it is embedded. Idempotent. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    watch.close();
    if (driver != null) {
      try {
        driver.close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
