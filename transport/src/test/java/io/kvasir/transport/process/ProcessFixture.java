package io.kvasir.transport.process;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts JVMs and leaves none behind: {@link #close} kills what still runs, and a {@link Guardian}
 * does so when this JVM itself is killed. At most {@value #MAX_CHILDREN} processes. For the test's
 * thread.
 */
public final class ProcessFixture implements AutoCloseable {
  /** More than any test may start. */
  public static final int MAX_CHILDREN = 64;

  /** A JVM on a loaded machine may take this long to say that it is ready. */
  private static final Duration READY_BOUND = Duration.ofSeconds(60);

  private final Path logFolder;
  private final List<ChildProcess> children = new ArrayList<>();
  private Guardian guardian;

  /**
   * @param logFolder takes the logs; made when missing
   */
  public ProcessFixture(Path logFolder) {
    this.logFolder = logFolder;
  }

  /** Where the children's logs are. */
  public Path logFolder() {
    return logFolder;
  }

  /**
   * Starts a JVM and, if the spec names a ready line, waits for it.
   *
   * @throws AssertionError with the end of its logs if it does not become ready
   */
  public ChildProcess start(JvmSpec spec) {
    ChildProcess child = launch(spec.name(), spec.command());
    if (spec.ready() != null) {
      child.awaitLine(spec.ready(), READY_BOUND);
    }
    return child;
  }

  /** Starts any other command; it is logged, signalled and ended like a JVM. */
  public ChildProcess launch(String name, List<String> command) {
    if (children.size() == MAX_CHILDREN) {
      throw new IllegalStateException(
          "this fixture has started " + MAX_CHILDREN + " processes already, use another fixture");
    }
    try {
      Files.createDirectories(logFolder);
      if (guardian == null) {
        guardian = new Guardian();
      }
      Path stdout = logFolder.resolve(name + ".out");
      Path stderr = logFolder.resolve(name + ".err");
      if (children.stream().anyMatch(child -> child.name().equals(name))) {
        throw new IllegalArgumentException("name=" + name + " is taken, give each child its own");
      }
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(stdout.toFile())
              .redirectError(stderr.toFile())
              .start();
      ChildProcess child = new ChildProcess(name, process, stdout, stderr);
      children.add(child);
      guardian.watch(process.pid());
      return child;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes a process that a child started die with the children: of no fixture, it would stay. */
  public void adopt(long pid) {
    try {
      if (guardian == null) {
        guardian = new Guardian();
      }
      guardian.watch(pid);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Prints the end of every child's logs. */
  public void printLogs(PrintStream out) {
    children.forEach(child -> out.println(child.lastWords()));
  }

  /** Kills what still runs; children are gone when it returns, adopted processes are signalled. */
  @Override
  public void close() {
    List<Throwable> failures = new ArrayList<>();
    for (ChildProcess child : children) {
      try {
        child.kill();
      } catch (AssertionError e) {
        failures.add(e);
      }
    }
    try {
      if (guardian != null) {
        guardian.close();
      }
    } catch (IOException e) {
      failures.add(e);
    }
    if (!failures.isEmpty()) {
      AssertionError error = new AssertionError("not everything could be ended");
      failures.forEach(error::addSuppressed);
      throw error;
    }
  }
}
