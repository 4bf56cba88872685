package io.kvasir.transport.driver;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How the media driver is run; each value is described in {@code reference.conf}. Immutable.
 *
 * @param baseFolder of the folders of all our drivers
 * @param externalFolder used by {@link Mode#EXTERNAL} only; may be empty
 */
public record DriverSettings(
    Mode mode,
    String externalFolder,
    Path baseFolder,
    Threading threading,
    Idle idle,
    Duration clientLivenessTimeout,
    Duration imageLivenessTimeout,
    Duration publicationConnectionTimeout,
    Duration publicationLingerTimeout,
    Duration driverTimeout,
    Duration startTimeout,
    Duration idleExit,
    Duration sweepAge,
    List<String> jvmFlags,
    Path logFile) {
  /** Config path. */
  public static final String PATH = "kvasir.transport.driver";

  private static final Duration SHORTEST = Duration.ofMillis(100);
  private static final Duration LONGEST = Duration.ofMinutes(10);

  /** Whose driver it is. */
  public enum Mode {
    EMBEDDED,
    HOST,
    EXTERNAL
  }

  /** Threads of the driver. */
  public enum Threading {
    AUTO,
    SHARED,
    SHARED_NETWORK,
    DEDICATED
  }

  /** What an idle thread of the driver does. */
  public enum Idle {
    AUTO,
    BACKOFF,
    BUSY_SPIN
  }

  public DriverSettings {
    jvmFlags = List.copyOf(jvmFlags);
    if (mode == Mode.EXTERNAL && externalFolder.isEmpty()) {
      throw new ConfigurationException(
          PATH
              + ".external-folder is empty but mode=external needs it; set it to the Aeron folder"
              + " of the running driver");
    }
    if (idleExit.compareTo(driverTimeout) < 0) {
      throw new ConfigurationException(
          "%s.idle-exit=%s is below driver-timeout=%s, so a driver could end while a node attaches; raise idle-exit"
              .formatted(PATH, SettingsReader.show(idleExit), SettingsReader.show(driverTimeout)));
    }
    if (sweepAge.compareTo(driverTimeout.multipliedBy(2)) < 0) {
      throw new ConfigurationException(
          "%s.sweep-age=%s is below twice driver-timeout=%s, so a slow driver's folder could be swept; raise sweep-age"
              .formatted(PATH, SettingsReader.show(sweepAge), SettingsReader.show(driverTimeout)));
    }
  }

  /**
   * Reads {@code kvasir.transport.driver}.
   *
   * @param config resolved, with reference.conf behind it
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static DriverSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, PATH);
    String user = System.getProperty("user.name");
    return new DriverSettings(
        reader.choice("mode", Mode.class),
        reader.text("external-folder"),
        path(reader.text("base-folder"), memoryFolder().resolve("kvasir-" + user)),
        reader.choice("threading", Threading.class),
        reader.choice("idle", Idle.class),
        reader.duration("client-liveness-timeout", SHORTEST, LONGEST),
        reader.duration("image-liveness-timeout", SHORTEST, LONGEST),
        reader.duration("publication-connection-timeout", SHORTEST, LONGEST),
        reader.duration("publication-linger-timeout", Duration.ofMillis(10), LONGEST),
        reader.duration("driver-timeout", SHORTEST, LONGEST),
        reader.duration("start-timeout", Duration.ofSeconds(1), LONGEST),
        reader.duration("idle-exit", SHORTEST, Duration.ofDays(1)),
        reader.duration("sweep-age", SHORTEST, Duration.ofDays(1)),
        reader.texts("jvm-flags"),
        path(
            reader.text("log-file"),
            Path.of(System.getProperty("java.io.tmpdir"), "kvasir-driver-" + user + ".log")));
  }

  private static Path memoryFolder() {
    Path shared = Path.of("/dev/shm");
    return Files.isDirectory(shared) ? shared : Path.of(System.getProperty("java.io.tmpdir"));
  }

  private static Path path(String text, Path otherwise) {
    return text.isEmpty() ? otherwise : Path.of(text);
  }

  /** The values of {@code reference.conf}. */
  public static DriverSettings defaults() {
    return from(ConfigFactory.defaultReference());
  }

  /** The same, with other folders. */
  public DriverSettings withBaseFolder(Path folder) {
    return change(Map.of("base-folder", folder.toString()));
  }

  /** The same, in another mode. */
  public DriverSettings withMode(Mode other) {
    return change(Map.of("mode", SettingsReader.spelled(other)));
  }

  /** The same with every time-out of the protocol multiplied, for tests and slow networks. */
  public DriverSettings scaled(double factor) {
    Map<String, Object> changed = new HashMap<>();
    changed.put("client-liveness-timeout", scale(clientLivenessTimeout, factor));
    changed.put("image-liveness-timeout", scale(imageLivenessTimeout, factor));
    changed.put("publication-connection-timeout", scale(publicationConnectionTimeout, factor));
    changed.put("publication-linger-timeout", scale(publicationLingerTimeout, factor));
    changed.put("driver-timeout", scale(driverTimeout, factor));
    changed.put("idle-exit", scale(idleExit, factor));
    changed.put("sweep-age", scale(sweepAge, factor));
    return change(changed);
  }

  private static Duration scale(Duration duration, double factor) {
    return Duration.ofMillis(Math.round(duration.toMillis() * factor));
  }

  /** The same, some keys of {@code kvasir.transport.driver} set anew and checked again. */
  public DriverSettings change(Map<String, ?> keys) {
    return from(ConfigFactory.parseMap(keys).atPath(PATH).withFallback(toConfig()));
  }

  /** What {@link #from} reads back to an equal record. */
  public Config toConfig() {
    Map<String, Object> keys = new HashMap<>();
    keys.put("mode", SettingsReader.spelled(mode));
    keys.put("external-folder", externalFolder);
    keys.put("base-folder", baseFolder.toString());
    keys.put("threading", SettingsReader.spelled(threading));
    keys.put("idle", SettingsReader.spelled(idle));
    keys.put("client-liveness-timeout", clientLivenessTimeout);
    keys.put("image-liveness-timeout", imageLivenessTimeout);
    keys.put("publication-connection-timeout", publicationConnectionTimeout);
    keys.put("publication-linger-timeout", publicationLingerTimeout);
    keys.put("driver-timeout", driverTimeout);
    keys.put("start-timeout", startTimeout);
    keys.put("idle-exit", idleExit);
    keys.put("sweep-age", sweepAge);
    keys.put("jvm-flags", jvmFlags);
    keys.put("log-file", logFile.toString());
    return ConfigFactory.parseMap(keys).atPath(PATH);
  }
}
