package io.kvasir.node.bench;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A peer in a process of its own, driven by one command a line and answering one line of JSON. It
 * is ended explicitly: some bindings keep threads that would keep it alive. For one thread.
 */
final class PeerProcess implements BenchEngine {
  private static final ObjectMapper JSON = new ObjectMapper();
  private final String name;
  private final Path log;
  private final Process process;
  private final PrintStream commands;
  private final BufferedReader answers;

  /**
   * Starts the peer and waits until its model is loaded.
   *
   * @param jvmArguments beside the class path
   * @param mainClass ends in {@link PeerServer#serve}
   * @param log takes what the peer prints
   * @throws IOException with the end of the log if it does not come up
   */
  PeerProcess(
      String name, List<String> jvmArguments, Class<?> mainClass, List<String> arguments, Path log)
      throws IOException {
    this.name = name;
    this.log = log;
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(jvmArguments);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass.getName()));
    command.addAll(arguments);
    process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    answer("start");
  }

  @Override
  public Timing generate(int promptTokens, int generatedTokens, long seed) throws IOException {
    JsonNode node = ask("generate " + promptTokens + " " + generatedTokens + " " + seed);
    return new Timing(
        node.get("firstTokenSeconds").asDouble(),
        node.get("decodeTokensPerSecond").asDouble(),
        node.get("promptTokensComputed").asInt());
  }

  @Override
  public Map<String, Object> load(int clients, double rampSeconds, double windowSeconds, long seed)
      throws IOException {
    JsonNode node = ask("load " + clients + " " + rampSeconds + " " + windowSeconds + " " + seed);
    return JSON.convertValue(node, new TypeReference<Map<String, Object>>() {});
  }

  private JsonNode ask(String command) throws IOException {
    commands.println(command);
    return answer(command);
  }

  private JsonNode answer(String command) throws IOException {
    String line = answers.readLine();
    if (line == null) {
      throw new IOException(name + " ended at '" + command + "': " + lastWords());
    }
    JsonNode node = JSON.readTree(line);
    if (node.has("error")) {
      String error = node.get("error").asText();
      throw new IOException(
          error.contains("NoClassDefFoundError")
              ? name + " is not on the class path, run from a build that has the optional peers"
              : name + " failed at '" + command + "': " + error);
    }
    return node;
  }

  private String lastWords() throws IOException {
    List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
    return String.join(" / ", lines.subList(Math.max(0, lines.size() - 6), lines.size()));
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
