package io.kvasir.node;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The {@code kvasir} command in a process of its own, its log in a file. */
public final class NodeProcess implements AutoCloseable {
  private final Process process;
  private final Path log;
  private final String url;

  private NodeProcess(Process process, Path log, String url) {
    this.process = process;
    this.log = log;
    this.url = url;
  }

  /** Starts {@code kvasir serve …} and returns when it says where it serves. */
  public static NodeProcess serve(Path folder, String... arguments) throws IOException {
    Path log = folder.resolve("stderr.log");
    List<String> command = command("serve");
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

  /** A node named {@code endless}, whose answers end at their token limit only. */
  public static NodeProcess serveEndless(Path folder) throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("config.json"),
            """
            {"model_type": "llama", "vocab_size": 1024, "hidden_size": 64,
             "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
             "num_key_value_heads": 1, "head_dim": 32, "rms_norm_eps": 1e-5,
             "rope_theta": 10000, "max_position_embeddings": 100000,
             "tie_word_embeddings": false, "torch_dtype": "bfloat16"}
            """);
    return serve(folder, "--model", "dummy:" + config, "--name", "endless", "--port", "0");
  }

  /** A sub-command of {@code kvasir} as a command line to which arguments may be added. */
  static List<String> command(String name) {
    Path root = Path.of(System.getProperty("kvasir.root"));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + root.resolve("cluster-config/jvm.options"));
    // Logs go where the command's users find them, not where a test jar would put them.
    command.add("-Dlogback.configurationFile=logback.xml");
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.addAll(List.of(KvasirCommand.class.getName(), name));
    return command;
  }

  /** The sum over its labels of a metric. */
  public double metric(String name) throws IOException, InterruptedException {
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<String> text =
          http.send(
              HttpRequest.newBuilder(URI.create(url + "/metrics")).build(),
              HttpResponse.BodyHandlers.ofString());
      return text.body()
          .lines()
          .filter(line -> line.startsWith(name))
          .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
          .sum();
    }
  }

  /** Where it serves. */
  public String url() {
    return url;
  }

  /** A key of a tenant, and the line of configuration that lets it in. */
  public static String[] createKey(String tenant) {
    StringWriter out = new StringWriter();
    int code =
        KvasirCommand.execute(
            new String[] {"keys", "create", "--tenant", tenant},
            new PrintWriter(out, true),
            new PrintWriter(out, true));
    List<String> lines = out.toString().lines().map(String::strip).toList();
    if (code != 0) {
      throw new AssertionError(lines);
    }
    return new String[] {lines.get(1), lines.get(3)};
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
