package io.kvasir.transport.driver;

import io.aeron.AeronVersion;
import io.aeron.CommonContext;
import io.aeron.exceptions.DriverTimeoutException;
import java.nio.file.Path;
import java.util.Objects;
import org.agrona.ErrorHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way to a media driver. Each call sweeps the folders of dead drivers, then starts a driver or
 * attaches to one; it blocks for at most {@code start-timeout}. Any thread.
 */
public final class MediaDrivers {
  /** Of the client library, such as {@code 1.51.0}; a driver must be of the same. */
  public static final String AERON_VERSION = AeronVersion.VERSION;

  private static final Logger LOG = LoggerFactory.getLogger(MediaDrivers.class);

  private MediaDrivers() {}

  /**
   * Opens the driver that the settings ask for.
   *
   * @param errorHandler of an embedded driver and of the watch; called on their threads
   * @throws ConfigurationException with the arithmetic when the logs of the peers do not fit, and
   *     with a sentence when there is no driver to be had; nothing is left behind then
   */
  public static DriverHandle open(
      DriverSettings settings, SizingSettings sizing, ErrorHandler errorHandler) {
    Objects.requireNonNull(errorHandler, "errorHandler");
    return switch (settings.mode()) {
      case EMBEDDED -> openEmbedded(settings, sizing, errorHandler);
      case HOST -> HostDriver.open(settings, sizing, errorHandler);
      case EXTERNAL -> openExternal(settings, sizing, errorHandler);
    };
  }

  /** What this machine grants to a driver of these settings, other live drivers considered. */
  public static HostLimits limits(DriverSettings settings) {
    Path base = settings.baseFolder();
    return HostLimits.read(base, DriverSweep.promisedBytes(base, settings.sweepAge().toMillis()));
  }

  private static DriverHandle openEmbedded(
      DriverSettings settings, SizingSettings sizing, ErrorHandler errorHandler) {
    DriverSweep.run(settings.baseFolder(), settings.sweepAge().toMillis());
    HostLimits limits = limits(settings);
    LogSizing logs = LogSizing.derive(sizing, limits);
    logs.check(limits, 0);
    EmbeddedDriver driver =
        EmbeddedDriver.start(settings, logs, DriverFolder.Kind.EMBEDDED, errorHandler);
    return handle(settings, logs, driver.folder(), driver, errorHandler);
  }

  static DriverHandle handle(
      DriverSettings settings,
      LogSizing logs,
      DriverFolder folder,
      EmbeddedDriver driver,
      ErrorHandler errorHandler) {
    DriverHandle handle = null;
    try {
      handle =
          new DriverHandle(
              settings, logs, folder.aeron(), folder.driverId(), folder, driver, errorHandler);
      return handle;
    } finally {
      if (handle == null && driver != null) {
        driver.close();
      }
    }
  }

  private static DriverHandle openExternal(
      DriverSettings settings, SizingSettings sizing, ErrorHandler errorHandler) {
    Path folder = Path.of(settings.externalFolder());
    boolean active;
    try {
      active =
          CommonContext.isDriverActive(
              folder.toFile(), settings.driverTimeout().toMillis(), text -> {});
    } catch (DriverTimeoutException halfMade) {
      active = false;
    }
    if (!active) {
      throw new ConfigurationException(
          "%s.external-folder=%s has no driver with a heartbeat younger than driver-timeout=%s; start that driver first or set mode=host"
              .formatted(
                  DriverSettings.PATH, folder, SettingsReader.show(settings.driverTimeout())));
    }
    long driverId = checkVersion(folder);
    HostLimits limits = HostLimits.read(folder, 0);
    LogSizing logs = LogSizing.derive(sizing, limits);
    logs.check(limits, 0);
    return new DriverHandle(settings, logs, folder, driverId, null, null, errorHandler);
  }

  /**
   * Log layouts of two releases may differ where their command file does not.
   *
   * @return what tells this incarnation of the driver from others
   */
  static long checkVersion(Path aeronFolder) {
    try (CncView view = CncView.open(aeronFolder)) {
      String theirs = view == null ? "another layout" : view.aeronVersion();
      if (!theirs.equals(AERON_VERSION)) {
        throw new ConfigurationException(
            "the driver in %s is of Aeron %s, this node of %s; stop the nodes of the other release or set another %s.base-folder"
                .formatted(aeronFolder, theirs, AERON_VERSION, DriverSettings.PATH));
      }
      LOG.info("attached to the Aeron {} media driver in {}", AERON_VERSION, aeronFolder);
      return view.incarnation();
    }
  }
}
