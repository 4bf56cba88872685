package io.kvasir.node.bench;

import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.ModelConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code kvasir bench start}: how soon a node answers and how much memory it keeps, measured on the
 * launcher as a user runs it. Linux, because resident memory is read from /proc.
 */
public final class StartBench {
  private static final Pattern READY =
      Pattern.compile("at (http\\S+) \\(ready after ([0-9.]+) s\\)");
  private static final long ARENA_MIB = 256;
  private static final int PROMPT_TOKENS = 512;
  private static final int FIRST_PROMPT_TOKENS = 256;

  /** One for all runs: its own first use is slow, and is in the first run alone. */
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static final String JAVA_OPTS = "KVASIR_JAVA_OPTS";
  private static final String NO_WARM_UP = "-Dkvasir.runtime.warm-up=0s";

  /** Somebody who tries it should not wonder whether it hangs. */
  private static final BenchRow.Goal READY_SECONDS = BenchRow.Goal.atMost(3);

  /**
   * @param model whose start is timed
   * @param memoryModel whose memory is read, in bf16
   * @param json where rows are written, null for nowhere
   */
  public record Options(String model, String memoryModel, int runs, Path json, boolean strict) {
    /** The embedded model's start, bench-150m's memory, 5 starts. */
    public static Options defaults() {
      return new Options("embedded:factbook", "dummy:bench-150m", 5, null, false);
    }
  }

  /** A node that says it is ready. */
  private record Node(Process process, String url, double readySeconds) implements AutoCloseable {
    @Override
    public void close() {
      process.destroy();
      try {
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  private StartBench() {}

  /**
   * Starts nodes, prints the table and writes the JSON file.
   *
   * @return the process's exit code
   */
  public static int run(Options options, PrintStream out) throws Exception {
    BenchReport report = new BenchReport("kvasir bench start", BenchEnvironment.of(0));
    // The first start may build and prepare the class cache.
    start(options.model(), List.of()).close();
    int vocabulary = config(options.model()).vocabSize();
    List<Double> seconds = new ArrayList<>();
    List<Double> firstMs = new ArrayList<>();
    List<Double> coldMs = new ArrayList<>();
    for (int run = 0; run < options.runs(); run++) {
      out.println("start " + (run + 1) + " of " + options.runs());
      try (Node node = start(options.model(), List.of())) {
        seconds.add(node.readySeconds());
        firstMs.add(complete(node.url(), vocabulary, FIRST_PROMPT_TOKENS, 1));
      }
      try (Node node = start(options.model(), List.of(), NO_WARM_UP)) {
        coldMs.add(complete(node.url(), vocabulary, FIRST_PROMPT_TOKENS, 1));
      }
    }
    report.add(
        BenchRow.judged(
            "ready on " + options.model(),
            Median.of(seconds),
            "s",
            READY_SECONDS,
            "launcher script included"));
    report.add(
        BenchRow.against(
            "first request on " + options.model() + ", " + FIRST_PROMPT_TOKENS + " tokens to one",
            EngineRuns.median(firstMs),
            "ms",
            "kvasir.runtime.warm-up = 0 s",
            EngineRuns.median(coldMs),
            null,
            "HTTP included, whose own first use on the node is in both"));
    out.println("resident memory on " + options.memoryModel());
    report.add(memory(options.memoryModel()));
    report.print(out);
    if (options.json() != null) {
      report.writeJson(options.json());
    }
    return report.exitCode(options.strict());
  }

  private static ModelConfig config(String model) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      return checkpoint.config();
    }
  }

  private static BenchRow memory(String model) throws Exception {
    ModelConfig config = config(model);
    double weightsMib = config.parameterCount() * 2.0 / (1 << 20);
    try (Node node = start(model, List.of("--dtype", "bf16", "--arena", ARENA_MIB + "MiB"))) {
      complete(node.url(), config.vocabSize(), PROMPT_TOKENS, 32);
      double residentMib = residentKib(node.process().pid()) / 1024.0;
      double boundMib = 1.15 * weightsMib + ARENA_MIB + 300;
      return BenchRow.judged(
          "resident on " + model + " bf16 after a prompt of " + PROMPT_TOKENS,
          residentMib,
          "MiB",
          BenchRow.Goal.atMost(boundMib),
          "1.15 x weights of "
              + BenchReport.number(weightsMib)
              + " + arena of "
              + ARENA_MIB
              + " + 300");
    }
  }

  /** Milliseconds that a completion took. */
  private static double complete(String url, int vocabulary, int promptTokens, int maxTokens)
      throws IOException, InterruptedException {
    String prompt = Arrays.toString(BenchEngine.prompt(promptTokens, vocabulary, 1));
    String name = "bench";
    String body =
        "{\"model\": \"%s\", \"prompt\": %s, \"max_tokens\": %d, \"temperature\": 0}"
            .formatted(name, prompt, maxTokens);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    long start = System.nanoTime();
    HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException("HTTP " + answer.statusCode() + ": " + answer.body());
    }
    return (System.nanoTime() - start) / 1e6;
  }

  private static Node start(String model, List<String> more) throws Exception {
    return start(model, more, "");
  }

  /** Starts a node with further JVM flags. */
  private static Node start(String model, List<String> more, String flags) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(launcher().toString(), "serve", "--model", model, "--name", "bench"));
    command.addAll(List.of("--port", "0"));
    command.addAll(more);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().merge(JAVA_OPTS, flags, (given, ours) -> given + " " + ours);
    Process process = builder.start();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String last = "";
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Matcher ready = READY.matcher(line);
      if (ready.find()) {
        return new Node(process, ready.group(1), Double.parseDouble(ready.group(2)));
      }
      last = line;
    }
    throw new IOException("the node ended before it was ready: " + last);
  }

  /** Beside the classes or the jar that this class comes from. */
  private static Path launcher() throws URISyntaxException {
    Path code =
        Path.of(StartBench.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Path launcher = code.getParent().resolveSibling("bin").resolve("kvasir");
    if (!Files.isExecutable(launcher)) {
      throw new IllegalStateException(
          launcher + " is not there, run `kvasir bench start` from a source checkout");
    }
    return launcher;
  }

  private static long residentKib(long pid) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("/proc/" + pid + "/status has no VmRSS");
  }
}
