package io.kvasir.node.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.WeightFormat;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What gateway and actors cost: a batch of streamed completions through HTTP against the same batch
 * put straight to the same node's engine, against a node that gathers tokens, and against the same
 * engine behind {@link HttpFloor}, alternating. The client shares the machine, so its work counts
 * against HTTP. For one thread.
 */
final class HttpThroughput {
  private static final int BATCH = 16;
  private static final int PROMPT_TOKENS = 64;

  /** Long enough that the ragged start of sixteen requests is a small part. */
  private static final int GENERATED_TOKENS = 256;

  /** Unmeasured rounds: the gateway's code is compiled after some twenty thousand events. */
  private static final int WARM_UP_RUNS = 5;

  /** Tokens an event at a node that trades smoothness for its cores. */
  private static final int GATHERED_TOKENS = 4;

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

  /** Measures one dtype; rows in tokens a second. */
  static List<BenchRow> measure(String model, WeightFormat dtype, int threads, int runs)
      throws IOException, InterruptedException {
    String name = dtype.name().toLowerCase(Locale.ROOT);
    ModelConfig config;
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      config = checkpoint.config();
    }
    try (BenchNode node = new BenchNode(model, name, threads);
        BenchNode gathering = new BenchNode(model, name, threads, GATHERED_TOKENS);
        HttpFloor floor = new HttpFloor(node.ready().engine())) {
      URI gateway = URI.create(node.server().url() + "/v1/completions");
      URI gatheringGateway = URI.create(gathering.server().url() + "/v1/completions");
      HttpThroughput bench = new HttpThroughput(node, config);
      List<Double> http = new ArrayList<>();
      List<Double> gathered = new ArrayList<>();
      List<Double> sockets = new ArrayList<>();
      List<Double> direct = new ArrayList<>();
      for (int run = -WARM_UP_RUNS; run < runs; run++) {
        double inProcess =
            bench.driver.batchTokensPerSecond(BATCH, PROMPT_TOKENS, GENERATED_TOKENS, SEED);
        double overHttp = bench.over(gateway);
        double overGathering = bench.over(gatheringGateway);
        double overSockets = bench.over(floor.url());
        if (run >= 0) {
          direct.add(inProcess);
          http.add(overHttp);
          gathered.add(overGathering);
          sockets.add(overSockets);
        }
      }
      double alone = Median.of(direct);
      String unit = "tok/s";
      return List.of(
          BenchRow.against(
              name + " through HTTP, batch 16",
              Median.of(http),
              unit,
              "in process",
              alone,
              GOAL,
              ""),
          BenchRow.against(
              name + " through HTTP, batch 16, stream-interval " + GATHERED_TOKENS,
              Median.of(gathered),
              unit,
              "in process",
              alone,
              null,
              "an event every " + GATHERED_TOKENS + " tokens of an answer, its first one at once"),
          BenchRow.against(
              name + " through bare sockets, batch 16",
              Median.of(sockets),
              unit,
              "in process",
              alone,
              null,
              "the floor of HTTP: one thread, one write a token, the same client"));
    }
  }

  private double over(URI url) throws IOException {
    LoadClient client = new LoadClient(url);
    long start = System.nanoTime();
    List<String> answers = client.post(bodies);
    long elapsedNs = System.nanoTime() - start;
    for (String answer : answers) {
      check(answer);
    }
    return BATCH * GENERATED_TOKENS * 1e9 / elapsedNs;
  }

  private static void check(String answer) throws IOException {
    String expected = "\"completion_tokens\":" + GENERATED_TOKENS;
    if (!answer.startsWith("HTTP/1.1 200") || !answer.replace(" ", "").contains(expected)) {
      throw new IOException("an answer without " + expected + ": " + tail(answer));
    }
  }

  private static String tail(String text) {
    return text.substring(Math.max(0, text.length() - 300));
  }

  private String body(int[] prompt) {
    ObjectNode body = JSON.createObjectNode();
    body.put("model", node.server().modelName());
    body.putPOJO("prompt", prompt);
    body.put("max_tokens", GENERATED_TOKENS).put("min_tokens", GENERATED_TOKENS);
    body.put("temperature", 0).put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    return body.toString();
  }
}
