package io.kvasir.transport.driver;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process of a host's driver. Reads its settings as HOCON from standard input, serves, and ends
 * when it has had no client for {@code idle-exit}, or on SIGTERM. Main thread.
 */
public final class HostDriverMain {
  private static final Logger LOG = LoggerFactory.getLogger(HostDriverMain.class);
  private static final long SHUTDOWN_SECONDS = 10;

  private HostDriverMain() {}

  /** Takes no arguments; exits with 0 when it has removed its folder. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Config config =
        ConfigFactory.parseString(new String(System.in.readAllBytes(), StandardCharsets.UTF_8))
            .withFallback(ConfigFactory.defaultReference())
            .resolve();
    DriverSettings settings = DriverSettings.from(config);
    HostLimits limits = MediaDrivers.limits(settings);
    LogSizing logs = LogSizing.derive(SizingSettings.from(config), limits);
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stop.countDown();
                  awaitQuietly(stopped);
                }));
    try (EmbeddedDriver driver =
        EmbeddedDriver.start(settings, logs, DriverFolder.Kind.HOST, new DistinctErrors())) {
      LOG.info("{}", logs.explain());
      serve(settings, driver, stop);
    } finally {
      stopped.countDown();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      if (!latch.await(SHUTDOWN_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("the media driver did not close within {} s", SHUTDOWN_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void serve(DriverSettings settings, EmbeddedDriver driver, CountDownLatch stop)
      throws InterruptedException {
    long periodMs = Math.min(1000, Math.max(1, settings.idleExit().toMillis() / 10));
    try (CncView view = CncView.open(driver.folder().aeron())) {
      long lastUsedNs = System.nanoTime();
      long lastTouchMs = driver.folder().touchedMs();
      while (!stop.await(periodMs, TimeUnit.MILLISECONDS)) {
        if (!Files.isDirectory(driver.folder().aeron())) {
          LOG.warn("{} was deleted, the media driver ends", driver.folder().aeron());
          return;
        }
        long touchMs = driver.folder().touchedMs();
        if (view.clientCount() > 0 || touchMs != lastTouchMs) {
          lastTouchMs = touchMs;
          lastUsedNs = System.nanoTime();
        }
        if (System.nanoTime() - lastUsedNs > settings.idleExit().toNanos()
            && endUnderLock(settings, driver, lastTouchMs)) {
          return;
        }
      }
    }
  }

  /** Nobody attaches while the lock is held; whoever did before has touched the lease. */
  private static boolean endUnderLock(
      DriverSettings settings, EmbeddedDriver driver, long lastTouchMs) {
    try (HostLock lock = HostLock.acquire(settings.baseFolder(), Duration.ZERO)) {
      if (lock == null || driver.folder().touchedMs() != lastTouchMs) {
        return false;
      }
      LOG.info("no client for {}, the media driver ends", settings.idleExit());
      driver.close();
      return true;
    }
  }
}
