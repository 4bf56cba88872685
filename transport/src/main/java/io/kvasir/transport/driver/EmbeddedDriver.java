package io.kvasir.transport.driver;

import io.aeron.driver.MediaDriver;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.agrona.ErrorHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A driver's threads in this process and the folder that goes with them. One owner. */
final class EmbeddedDriver implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedDriver.class);
  private final DriverFolder folder;
  private final MediaDriver driver;
  private boolean closed;

  private EmbeddedDriver(DriverFolder folder, MediaDriver driver) {
    this.folder = folder;
    this.driver = driver;
  }

  /** Starts in a new folder; leaves none when it fails. */
  static EmbeddedDriver start(
      DriverSettings settings,
      LogSizing sizing,
      DriverFolder.Kind kind,
      ErrorHandler errorHandler) {
    DriverFolder folder = DriverFolder.create(settings.baseFolder(), kind, sizing.totalBytes());
    MediaDriver started = null;
    try {
      started =
          MediaDriver.launch(
              DriverContexts.of(
                  settings, sizing, folder.aeron(), kind == DriverFolder.Kind.HOST, errorHandler));
      EmbeddedDriver driver = new EmbeddedDriver(folder, started);
      LOG.info(
          "Aeron {} media driver, {} threads, in {}",
          MediaDrivers.AERON_VERSION,
          started.context().threadingMode(),
          folder.aeron());
      return driver;
    } finally {
      if (started == null) {
        delete(folder);
      }
    }
  }

  DriverFolder folder() {
    return folder;
  }

  /** Idempotent. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      driver.close();
    } finally {
      delete(folder);
    }
  }

  private static void delete(DriverFolder folder) {
    try {
      folder.delete();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
