package io.kvasir.transport.driver;

import io.aeron.Aeron;
import io.kvasir.transport.media.AeronSettings;
import io.kvasir.transport.media.LaneSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.agrona.ErrorHandler;

/**
 * A node's clients of its driver, now and after each loss: {@link #get} opens the driver that the
 * settings ask for when there is none or the last was lost, and connects a client. It is what an
 * {@code AeronMedium} takes to rebuild itself. Close the clients first. Thread-safe.
 */
public final class DriverClients implements Supplier<Aeron>, AutoCloseable {
  private static final int LARGEST_MTU = 65_504;
  private static final int FRAME_ALIGNMENT = 32;
  private final DriverSettings settings;
  private final SizingSettings sizing;
  private final String name;
  private final ErrorHandler errorHandler;
  private DriverHandle handle;
  private boolean closed;

  /**
   * Opens the driver.
   *
   * @param name of the clients, for people
   * @param errorHandler of driver and clients; called on their threads
   * @throws ConfigurationException as {@link MediaDrivers#open} does
   */
  public DriverClients(
      DriverSettings settings, SizingSettings sizing, String name, ErrorHandler errorHandler) {
    this.settings = settings;
    this.sizing = sizing;
    this.name = name;
    this.errorHandler = errorHandler;
    this.handle = MediaDrivers.open(settings, sizing, errorHandler);
  }

  /**
   * A new client, which the caller owns; blocks for at most {@code start-timeout}.
   *
   * @throws RuntimeException while there is no driver to be had; try again later
   */
  @Override
  public synchronized Aeron get() {
    if (closed) {
      throw new IllegalStateException("the clients of " + name + " are closed");
    }
    if (handle != null && handle.loss() != null) {
      handle.close();
      handle = null;
    }
    if (handle == null) {
      handle = MediaDrivers.open(settings, sizing, errorHandler);
    }
    return Aeron.connect(handle.clientContext(name, errorHandler));
  }

  /** The driver of the last client; null while the last one is lost and none has followed. */
  public synchronized DriverHandle handle() {
    return handle;
  }

  /**
   * Where nodes of this driver may share memory: a folder that only this user enters, in memory;
   * null where the driver serves this process alone.
   *
   * @throws ConfigurationException if others can enter it
   */
  public Path sharedBase() {
    if (settings.mode() == DriverSettings.Mode.EMBEDDED) {
      return null;
    }
    DriverFolder.ensureBase(settings.baseFolder());
    return settings.baseFolder();
  }

  /** Bytes of that folder's file system that are free and promised to nobody. */
  public long availableBytes() {
    return MediaDrivers.limits(settings).availableBytes();
  }

  /**
   * Lanes as the driver's sizing has them. Over shared memory frames are as large as a term allows.
   * A sender may be half a term ahead before the driver, which has to get a processor for that,
   * moves its limit: so long terms are faster, although they leave the cache.
   *
   * @param endpoint own {@code host:port} for UDP, or empty
   */
  public synchronized AeronSettings lanes(String endpoint) {
    LogSizing logs = handle.sizing();
    return new AeronSettings(
        endpoint,
        AeronSettings.DEFAULT_STREAM_BASE,
        List.of(shared(logs.control()), shared(logs.small()), shared(logs.bulk())),
        List.of(udp(logs.control()), udp(logs.small()), udp(logs.bulk())));
  }

  private static LaneSettings shared(LaneSizing lane) {
    int largest = lane.termBytes() / LogSizing.TERM_FRAMES / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
    return new LaneSettings(lane.termBytes(), Math.min(LARGEST_MTU, largest), 0);
  }

  /**
   * The window is the driver's own: all lanes arrive at one socket, to which Aeron gives one
   * window, and of it an image takes at most half its term.
   */
  private static LaneSettings udp(LaneSizing lane) {
    return new LaneSettings(lane.termBytes(), lane.mtuBytes(), 0);
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (handle != null) {
      handle.close();
      handle = null;
    }
  }
}
