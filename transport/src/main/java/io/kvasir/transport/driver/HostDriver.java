package io.kvasir.transport.driver;

import com.typesafe.config.ConfigRenderOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.ErrorHandler;

/**
 * Finds the host's driver or starts its process. The process belongs to nobody: it outlives the
 * node that started it and ends by itself when no client is left ({@link HostDriverMain}).
 */
final class HostDriver {
  private static final long POLL_NS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final int LAST_LINES = 5;

  private HostDriver() {}

  static DriverHandle open(
      DriverSettings settings, SizingSettings sizing, ErrorHandler errorHandler) {
    Path base = settings.baseFolder();
    DriverFolder.ensureBase(base);
    // The other launcher may itself take the whole time for its start.
    try (HostLock lock = HostLock.acquire(base, settings.startTimeout().multipliedBy(2))) {
      if (lock == null) {
        throw new ConfigurationException(
            "another launcher holds %s for longer than twice start-timeout=%s; end that process or raise %s.start-timeout"
                .formatted(
                    base, SettingsReader.show(settings.startTimeout()), DriverSettings.PATH));
      }
      DriverSweep.run(base, settings.sweepAge().toMillis());
      HostLimits limits = MediaDrivers.limits(settings);
      LogSizing logs = LogSizing.derive(sizing, limits);
      Optional<DriverFolder> running = find(settings);
      if (running.isPresent()) {
        DriverFolder folder = running.get();
        MediaDrivers.checkVersion(folder.aeron());
        logs.check(limits, Math.min(folder.reservedBytes(), logs.totalBytes()));
        folder.touch();
        return MediaDrivers.handle(settings, logs, folder, null, errorHandler);
      }
      logs.check(limits, 0);
      return MediaDrivers.handle(settings, logs, start(settings, sizing), null, errorHandler);
    }
  }

  private static Optional<DriverFolder> find(DriverSettings settings) {
    return DriverFolder.list(settings.baseFolder()).stream()
        .filter(folder -> folder.kind() == DriverFolder.Kind.HOST)
        .filter(folder -> folder.isServing(settings.driverTimeout().toMillis()))
        .findFirst();
  }

  private static DriverFolder start(DriverSettings settings, SizingSettings sizing) {
    Process process = launch(settings, sizing);
    long startNs = System.nanoTime();
    boolean up = false;
    try {
      while (System.nanoTime() - startNs < settings.startTimeout().toNanos()) {
        Optional<DriverFolder> folder =
            find(settings).filter(found -> found.owner().pid() == process.pid());
        if (folder.isPresent()) {
          up = true;
          return folder.get();
        }
        if (!process.isAlive()) {
          throw new ConfigurationException(
              "the media driver's process ended with %d: %s (whole log: %s)"
                  .formatted(
                      process.exitValue(), lastWords(settings.logFile()), settings.logFile()));
        }
        LockSupport.parkNanos(POLL_NS);
      }
      throw new ConfigurationException(
          "the media driver was not up after %s.start-timeout=%s; raise it, or see %s"
              .formatted(
                  DriverSettings.PATH,
                  SettingsReader.show(settings.startTimeout()),
                  settings.logFile()));
    } finally {
      if (!up) {
        process.destroyForcibly();
      }
    }
  }

  private static Process launch(DriverSettings settings, SizingSettings sizing) {
    List<String> command = new ArrayList<>();
    // A signal from the terminal goes to the whole foreground group; the driver serves others too.
    command.addAll(List.of("/bin/sh", "-c", "trap '' INT HUP; exec \"$0\" \"$@\""));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(settings.jvmFlags());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(HostDriverMain.class.getName());
    ProcessBuilder.Redirect log = ProcessBuilder.Redirect.appendTo(settings.logFile().toFile());
    try {
      Process process = new ProcessBuilder(command).redirectOutput(log).redirectError(log).start();
      try (OutputStream input = process.getOutputStream()) {
        input.write(
            settings
                .toConfig()
                .withFallback(sizing.toConfig())
                .root()
                .render(ConfigRenderOptions.concise())
                .getBytes(StandardCharsets.UTF_8));
      } catch (IOException endedEarly) {
        // Its exit code and log say why.
        return process;
      }
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String lastWords(Path log) {
    try {
      List<String> lines = Files.readAllLines(log);
      return String.join(
          " / ", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
    } catch (IOException e) {
      return "no log";
    }
  }
}
