package io.kvasir.node.bench.transport;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** A worker process, driven by one command a line. It ends when its input ends. One thread. */
final class Worker implements AutoCloseable {
  private static final long ANSWER_SECONDS = 60;
  private static final int LAST_LINES = 6;
  private final String name;
  private final Path log;
  private final Process process;
  private final PrintStream commands;
  private final BufferedReader answers;

  /**
   * Starts the worker with the node's JVM flags and waits until its region is filled.
   *
   * @param log takes what it prints
   */
  Worker(Load.Role role, Path log) throws IOException {
    this.name = role.name().toLowerCase(Locale.ROOT);
    this.log = log;
    List<String> command = new ArrayList<>();
    // A terminal's signals reach the whole group; here the bench's own process sees to the end.
    command.addAll(List.of("/bin/sh", "-c", "trap '' INT HUP; exec \"$0\" \"$@\""));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + jvmOptions());
    command.addAll(List.of("-Xmx512m", "-XX:MaxDirectMemorySize=1g"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(WorkerMain.class.getName(), role.name()));
    process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    answer("start");
  }

  private static Path jvmOptions() {
    try {
      Path code = Path.of(Worker.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      Path options = code.getParent().resolveSibling("jvm.options");
      if (!Files.isRegularFile(options)) {
        throw new IllegalStateException(
            options + " is not there, run `kvasir bench transport` from a source checkout");
      }
      return options;
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Sends a command and waits for its answer. */
  Spec ask(String command) throws IOException {
    send(command);
    return answer(command);
  }

  /** Sends a command whose answer is fetched by {@link #answer}. */
  void send(String command) {
    commands.println(command);
  }

  /** The answer to the oldest command that has none yet. */
  Spec answer(String command) throws IOException {
    String line;
    try {
      line = CompletableFuture.supplyAsync(this::readLine).get(ANSWER_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      process.destroyForcibly();
      throw new IOException(
          "the " + name + " did not answer '" + command + "' in " + ANSWER_SECONDS + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for '" + command + "'", e);
    } catch (ExecutionException e) {
      throw new IOException(e);
    }
    if (line == null || !line.startsWith("ok")) {
      throw new IOException(
          "the " + name + " failed at '" + command + "': " + line + " / " + lastWords());
    }
    return Spec.parse(line);
  }

  private String readLine() {
    try {
      return answers.readLine();
    } catch (IOException e) {
      return null;
    }
  }

  private String lastWords() throws IOException {
    List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
    return String.join(" / ", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
  }

  /** Resident memory of the process. */
  long residentBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    throw new IOException("no VmRSS of the " + name);
  }

  /** Processes that it started, and that still run. */
  Stream<ProcessHandle> children() {
    return process.children();
  }

  @Override
  public void close() {
    commands.close();
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
