package io.kvasir.transport.driver;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.BusySpinIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.SleepingMillisIdleStrategy;

/** Settings and sizing in Aeron's words. */
final class DriverContexts {
  /**
   * Even two processors do: with frames that fit an Ethernet, {@code kvasir bench transport} finds
   * sender and receiver faster as two threads; only frames of 64 KiB lose a little by it.
   */
  private static final int DEDICATED_FROM_PROCESSORS = 2;

  private static final long LONGEST_PARK_NS = TimeUnit.MILLISECONDS.toNanos(1);

  /** How long the addresses of a new channel may wait to be resolved. */
  private static final int NAMES_PERIOD_MS = 20;

  private DriverContexts() {}

  /**
   * A context that starts in a new folder and removes it at its end.
   *
   * @param ownProcess whether the driver has a process of its own
   */
  static MediaDriver.Context of(
      DriverSettings settings,
      LogSizing sizing,
      Path aeronFolder,
      boolean ownProcess,
      ErrorHandler errorHandler) {
    Duration shortest = shortest(settings);
    long timerNs = Math.min(TimeUnit.SECONDS.toNanos(1), shortest.toNanos() / 5);
    ThreadFactory threads = DriverContexts::daemon;
    return new MediaDriver.Context()
        .aeronDirectoryName(aeronFolder.toString())
        .dirDeleteOnStart(false)
        .dirDeleteOnShutdown(true)
        .warnIfDirectoryExists(false)
        .errorHandler(errorHandler)
        .threadingMode(
            threading(settings.threading(), ownProcess, Runtime.getRuntime().availableProcessors()))
        .conductorIdleStrategy(idle(settings.idle()))
        .senderIdleStrategy(idle(settings.idle()))
        .receiverIdleStrategy(idle(settings.idle()))
        .sharedNetworkIdleStrategy(idle(settings.idle()))
        .sharedIdleStrategy(idle(settings.idle()))
        // Resolves names, and would look for some a thousand times a second.
        .asyncExecutorIdleStrategy(new SleepingMillisIdleStrategy(NAMES_PERIOD_MS))
        .asyncExecutorThreadFactory(threads)
        .conductorThreadFactory(threads)
        .senderThreadFactory(threads)
        .receiverThreadFactory(threads)
        .sharedNetworkThreadFactory(threads)
        .sharedThreadFactory(threads)
        .timerIntervalNs(timerNs)
        .clientLivenessTimeoutNs(settings.clientLivenessTimeout().toNanos())
        .imageLivenessTimeoutNs(settings.imageLivenessTimeout().toNanos())
        .publicationConnectionTimeoutNs(settings.publicationConnectionTimeout().toNanos())
        .publicationLingerTimeoutNs(settings.publicationLingerTimeout().toNanos())
        // An abandoned claim must outlive its dead client's detection, not much more.
        .publicationUnblockTimeoutNs(settings.clientLivenessTimeout().toNanos() * 3 / 2)
        .driverTimeoutMs(settings.driverTimeout().toMillis())
        .publicationTermBufferLength(sizing.bulk().termBytes())
        .ipcTermBufferLength(sizing.bulk().termBytes())
        // Half a term is the default; of a whole one two thirds of the log lie between both ends,
        // so that either goes on longer while the other, or this driver, is off its core.
        .ipcPublicationTermWindowLength(sizing.bulk().termBytes())
        .mtuLength(sizing.bulk().mtuBytes())
        .ipcMtuLength(sizing.bulk().mtuBytes())
        .initialWindowLength(sizing.bulk().windowBytes())
        .socketRcvbufLength(sizing.receiveBufferBytes())
        .socketSndbufLength(sizing.sendBufferBytes())
        .counterValuesBufferLength(sizing.counterBytes())
        .termBufferSparseFile(true)
        .performStorageChecks(true)
        .lowStorageWarningThreshold(sizing.bulk().logBytes());
  }

  private static Duration shortest(DriverSettings settings) {
    Duration shortest = settings.clientLivenessTimeout();
    for (Duration other :
        new Duration[] {
          settings.imageLivenessTimeout(),
          settings.publicationConnectionTimeout(),
          settings.driverTimeout()
        }) {
      shortest = other.compareTo(shortest) < 0 ? other : shortest;
    }
    return shortest;
  }

  /** Within a node's process, beside its threads, three of the driver would only take turns. */
  static ThreadingMode threading(
      DriverSettings.Threading setting, boolean ownProcess, int processors) {
    return switch (setting) {
      case SHARED -> ThreadingMode.SHARED;
      case SHARED_NETWORK -> ThreadingMode.SHARED_NETWORK;
      case DEDICATED -> ThreadingMode.DEDICATED;
      case AUTO ->
          ownProcess && processors >= DEDICATED_FROM_PROCESSORS
              ? ThreadingMode.DEDICATED
              : ThreadingMode.SHARED;
    };
  }

  private static IdleStrategy idle(DriverSettings.Idle setting) {
    return switch (setting) {
      case BUSY_SPIN -> new BusySpinIdleStrategy();
      case AUTO, BACKOFF -> new BackoffIdleStrategy(1, 1, 1000, LONGEST_PARK_NS);
    };
  }

  private static Thread daemon(Runnable body) {
    Thread thread = new Thread(body);
    thread.setDaemon(true);
    return thread;
  }
}
