package io.kvasir.transport.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A started process, its log files and its signals. Owned by the {@link ProcessFixture} that
 * started it, which also ends it. Every wait is bounded and scaled by {@link TestTime}. For the
 * test's thread.
 */
public final class ChildProcess {
  private static final Duration SIGNAL_BOUND = Duration.ofSeconds(10);
  private static final Duration EXIT_BOUND = Duration.ofSeconds(30);
  private static final int LAST_LINES = 40;
  private final String name;
  private final Process process;
  private final Path stdout;
  private final Path stderr;

  ChildProcess(String name, Process process, Path stdout, Path stderr) {
    this.name = name;
    this.process = process;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  public String name() {
    return name;
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** The file that takes its standard output. */
  public Path stdout() {
    return stdout;
  }

  /** The file that takes its standard error. */
  public Path stderr() {
    return stderr;
  }

  /** Writes one line to its standard input. */
  public void send(String line) throws IOException {
    process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().flush();
  }

  /** Ends its standard input. */
  public void endInput() throws IOException {
    process.getOutputStream().close();
  }

  /**
   * Waits for a complete line of stdout in which {@code regex} is found.
   *
   * @return the first such line's match, for its groups
   * @throws AssertionError with the end of its logs when the bound passes or the process ends first
   */
  public Matcher awaitLine(String regex, Duration bound) {
    return awaitLine(Pattern.compile(regex), bound);
  }

  Matcher awaitLine(Pattern pattern, Duration bound) {
    Matcher[] found = new Matcher[1];
    TestTime.await(
        bound,
        () -> "a line of " + name + " with " + pattern + "\n" + lastWords(),
        () -> {
          boolean alive = process.isAlive();
          found[0] = find(pattern);
          if (found[0] == null && !alive) {
            throw new AssertionError(
                name + " ended before a line with " + pattern + "\n" + lastWords());
          }
          return found[0] != null;
        });
    return found[0];
  }

  private Matcher find(Pattern pattern) {
    String text = read(stdout);
    int complete = text.lastIndexOf('\n') + 1;
    return text.substring(0, complete)
        .lines()
        .map(pattern::matcher)
        .filter(Matcher::find)
        .findFirst()
        .orElse(null);
  }

  /** SIGSTOP; returns when the kernel says that it is stopped. */
  public void pause() {
    signal("STOP");
    TestTime.await(SIGNAL_BOUND, () -> name + " is stopped", () -> ProcStat.of(pid()).isStopped());
  }

  /** SIGCONT; returns when it is no longer stopped. */
  public void resume() {
    signal("CONT");
    TestTime.await(SIGNAL_BOUND, () -> name + " runs again", () -> !ProcStat.of(pid()).isStopped());
  }

  /** SIGTERM; does not wait. {@code Process.destroy} would also end its standard input. */
  public void terminate() {
    signal("TERM");
  }

  /** SIGKILL; returns when the process is gone. It works on a paused one too. */
  public void kill() {
    process.destroyForcibly();
    awaitExit(EXIT_BOUND);
  }

  /** Its exit code; 128 + the signal's number when it died of one. */
  public int awaitExit(Duration bound) {
    try {
      if (!process.waitFor(TestTime.scaled(bound).toNanos(), TimeUnit.NANOSECONDS)) {
        throw new AssertionError(
            name + " did not end within " + TestTime.scaled(bound) + "\n" + lastWords());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for the end of " + name, e);
    }
    return process.exitValue();
  }

  private void signal(String signal) {
    try {
      Process kill =
          new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
              .redirectErrorStream(true)
              .start();
      String said = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (kill.waitFor() != 0) {
        throw new AssertionError("kill -" + signal + " " + name + ": " + said.strip());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while signalling " + name, e);
    }
  }

  /** The last lines of both logs, for a failure's message. */
  public String lastWords() {
    return "--- " + name + " stdout\n" + tail(stdout) + "--- " + name + " stderr\n" + tail(stderr);
  }

  private static String tail(Path file) {
    List<String> lines = read(file).lines().toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()))
        + "\n";
  }

  private static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
