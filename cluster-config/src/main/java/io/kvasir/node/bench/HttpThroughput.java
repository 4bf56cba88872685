package io.kvasir.node.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.WeightFormat;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What gateway and actors cost: a batch of streamed completions through HTTP against the same batch
 * put straight to the same node's engine, against a node that tells of tokens together, and against
 * the same engine behind {@link HttpFloor}, alternating. The client shares the machine, so its work
 * counts against HTTP. For one thread.
 */
final class HttpThroughput {
  private static final int BATCH = 16;
  private static final int PROMPT_TOKENS = 64;

  /** Long enough that the ragged start of sixteen requests is a small part. */
  private static final int GENERATED_TOKENS = 512;

  /** Unmeasured rounds of everything. */
  private static final int WARM_UP_RUNS = 2;

  /** Batches of short answers before them: what takes requests is compiled after a thousand. */
  private static final int SHORT_RUNS = 100;

  private static final int SHORT_TOKENS = 4;

  /** News a second and core at a node that trades smoothness for its cores. */
  private static final int EVENTS_PER_CORE = 100;

  private static final long SEED = 77;

  /** Costs of the way to the client that a user may feel but not notice. */
  private static final BenchRow.Goal GOAL = BenchRow.Goal.atLeast(0.98);

  private static final ObjectMapper JSON = new ObjectMapper();
  private final BenchNode node;
  private final EngineDriver driver;
  private final List<String> bodies = new ArrayList<>();

  private HttpThroughput(BenchNode node, ModelConfig config) {
    this.node = node;
    this.driver = new EngineDriver(node.ready().engine(), config.vocabSize(), config.layerCount());
    for (int b = 0; b < BATCH; b++) {
      bodies.add(body(BenchEngine.prompt(PROMPT_TOKENS, config.vocabSize(), SEED + b)));
    }
  }

  /**
   * Measures one dtype; rows in tokens a second.
   *
   * @param progress takes a few words at each step
   */
  static List<BenchRow> measure(
      String model, WeightFormat dtype, int threads, int runs, Consumer<String> progress)
      throws IOException, InterruptedException {
    String name = dtype.name().toLowerCase(Locale.ROOT);
    ModelConfig config;
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      config = checkpoint.config();
    }
    Map<String, Integer> together = Map.of("kvasir.actors.gpu.events-per-core", EVENTS_PER_CORE);
    try (BenchNode node = new BenchNode(model, name, threads);
        BenchNode gathering = new BenchNode(model, name, threads, together);
        HttpFloor floor = new HttpFloor(node.ready().engine())) {
      HttpThroughput bench = new HttpThroughput(node, config);
      List<URI> ways = List.of(completions(node), completions(gathering), floor.url());
      progress.accept("short answers");
      for (int run = 0; run < SHORT_RUNS; run++) {
        bench.over(ways.get(0), SHORT_TOKENS);
        bench.over(ways.get(1), SHORT_TOKENS);
      }
      List<Double> direct = new ArrayList<>();
      List<List<Double>> overHttp =
          List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
      for (int run = -WARM_UP_RUNS; run < runs; run++) {
        progress.accept(run < 0 ? "warming up" : "run " + (run + 1) + " of " + runs);
        double inProcess = bench.inProcess();
        for (int way = 0; way < ways.size(); way++) {
          double over = bench.over(ways.get(way), GENERATED_TOKENS);
          if (run >= 0) {
            overHttp.get(way).add(over);
          }
        }
        if (run >= 0) {
          direct.add(inProcess);
        }
      }
      direct.add(bench.inProcess());
      return List.of(
          row(name + " through HTTP, batch 16", overHttp, 0, direct, GOAL, ""),
          row(
              name + " through HTTP, batch 16, events-per-core " + EVENTS_PER_CORE,
              overHttp,
              1,
              direct,
              null,
              "tokens of up to 100 ms are told together"),
          row(
              name + " through bare sockets, batch 16",
              overHttp,
              2,
              direct,
              null,
              "one thread, one write a token, the same client"));
    }
  }

  private static URI completions(BenchNode node) {
    return URI.create(node.server().url() + "/v1/completions");
  }

  private double inProcess() {
    return driver.batchTokensPerSecond(BATCH, PROMPT_TOKENS, GENERATED_TOKENS, SEED);
  }

  private static BenchRow row(
      String name,
      List<List<Double>> overHttp,
      int way,
      List<Double> direct,
      BenchRow.Goal goal,
      String why) {
    List<Double> own = overHttp.get(way);
    double ratio = Median.of(ratios(own, direct, (way + 1.0) / (overHttp.size() + 1)));
    Boolean met = goal == null ? null : goal.isMetBy(ratio);
    return new BenchRow(
        name, Median.of(own), "tok/s", "in process", Median.of(direct), ratio, goal, met, why);
  }

  /**
   * Each figure over what the baseline had at its time: the speed of a shared machine drifts by
   * more from run to run than what is looked for here.
   *
   * @param baseline one more than figures, each between its two
   * @param between how far from the first of them to the second, 0 to 1
   */
  static List<Double> ratios(List<Double> figures, List<Double> baseline, double between) {
    List<Double> ratios = new ArrayList<>();
    for (int run = 0; run < figures.size(); run++) {
      double then = (1 - between) * baseline.get(run) + between * baseline.get(run + 1);
      ratios.add(figures.get(run) / then);
    }
    return ratios;
  }

  private double over(URI url, int tokens) throws IOException {
    LoadClient client = new LoadClient(url);
    List<String> orders = bodies.stream().map(body -> body.formatted(tokens, tokens)).toList();
    long start = System.nanoTime();
    List<String> answers = client.post(orders);
    long elapsedNs = System.nanoTime() - start;
    for (String answer : answers) {
      check(answer, tokens);
    }
    return BATCH * tokens * 1e9 / elapsedNs;
  }

  private static void check(String answer, int tokens) throws IOException {
    String expected = "\"completion_tokens\":" + tokens;
    if (!answer.startsWith("HTTP/1.1 200") || !answer.replace(" ", "").contains(expected)) {
      throw new IOException("an answer without " + expected + ": " + tail(answer));
    }
  }

  private static String tail(String text) {
    return text.substring(Math.max(0, text.length() - 300));
  }

  /** With two places for the number of tokens. */
  private String body(int[] prompt) {
    ObjectNode body = JSON.createObjectNode();
    body.put("model", node.server().modelName());
    body.putPOJO("prompt", prompt);
    body.putRawValue("max_tokens", new RawValue("%d"))
        .putRawValue("min_tokens", new RawValue("%d"));
    body.put("temperature", 0).put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    return body.toString();
  }
}
