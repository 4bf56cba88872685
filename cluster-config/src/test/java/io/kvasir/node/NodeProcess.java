package io.kvasir.node;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The {@code kvasir} command in a process of its own, its log in a file. */
final class NodeProcess implements AutoCloseable {
  private final Process process;
  private final Path log;
  private final String url;

  private NodeProcess(Process process, Path log, String url) {
    this.process = process;
    this.log = log;
    this.url = url;
  }

  /** Starts {@code kvasir serve …} and returns when it says where it serves. */
  static NodeProcess serve(Path folder, String... arguments) throws IOException {
    Path root = Path.of(System.getProperty("kvasir.root"));
    Path log = folder.resolve("stderr.log");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + root.resolve("cluster-config/jvm.options"));
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(KvasirCommand.class.getName());
    command.add("serve");
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith("Kvasir serves")) {
        String after = line.substring(line.indexOf(" at http") + 4);
        return new NodeProcess(process, log, after.substring(0, after.indexOf(' ')));
      }
    }
    throw new AssertionError("the node ended: " + Files.readString(log));
  }

  String url() {
    return url;
  }

  /** SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** Waits for the end; returns what was logged. */
  String awaitEnd() throws Exception {
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("still running after 60 s: " + Files.readString(log));
    }
    return Files.readString(log);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
