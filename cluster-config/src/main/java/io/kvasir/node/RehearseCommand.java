package io.kvasir.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.typesafe.config.Config;
import io.kvasir.node.cluster.ClusterConfig;
import io.kvasir.node.cluster.ClusterProcess;
import io.kvasir.node.cluster.DemoCluster;
import io.kvasir.node.cluster.StatusClient;
import io.kvasir.transport.driver.DriverHandle;
import io.kvasir.transport.driver.DriverSettings;
import io.kvasir.transport.driver.MediaDrivers;
import io.kvasir.transport.driver.SizingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code kvasir rehearse}: what a node does, done for some seconds by a JVM that records it ({@code
 * -XX:AOTCacheOutput}). Nodes that start with the recording need not read and parse their classes,
 * and have profiles of methods from it. A node alone first, then two nodes of a cluster in this JVM
 * that load blocks from each other.
 */
@Command(
    name = "rehearse",
    description = "Run what a node runs, for a JVM that records it (bin/kvasir calls it).",
    hidden = true,
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class RehearseCommand implements Callable<Integer> {
  private static final String MODEL = "embedded:factbook";
  private static final String LOOPBACK = "127.0.0.1";
  private static final int PROMPT_TOKENS = 400;
  private static final int ANSWER_TOKENS = 16;
  private static final int FIRST_ID = 20;
  private static final int IDS = 200;
  private static final Duration REQUEST_LIMIT = Duration.ofMinutes(1);
  private static final Duration IDLE = Duration.ofSeconds(5);
  private static final long POLL_NS = 20_000_000;
  private static final Pattern PEER_TOKENS = Pattern.compile("\"peer_tokens\":(\\d+)");
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What nodes do once in a while whether they are asked anything or not, done all the time: of
   * what the recorded run did seldom a JVM that starts with it compiles little (note 68 in
   * CONTRIBUTING.md).
   */
  private static final Map<String, String> HURRIED =
      Map.of(
          "pekko.scheduler.tick-duration", "10 ms",
          "pekko.remote.artery.advanced.inject-handshake-interval", "10 ms",
          "pekko.cluster.distributed-data.gossip-interval", "50 ms",
          "pekko.cluster.distributed-data.notify-subscribers-interval", "20 ms",
          "pekko.cluster.failure-detector.heartbeat-interval", "10 ms",
          "pekko.cluster.gossip-interval", "10 ms",
          "pekko.cluster.unreachable-nodes-reaper-interval", "10 ms",
          "pekko.cluster.leader-actions-interval", "10 ms",
          "kvasir.actors.schedule.load-interval", "20 ms",
          "kvasir.actors.directory.heartbeat", "50 ms");

  @Option(
      names = "--warm-up",
      paramLabel = "TIME",
      description = "How long the kernels run (default: ${DEFAULT-VALUE}).")
  private String warmUp = "20s";

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "Requests of the cluster (default: ${DEFAULT-VALUE}).")
  private int requests = 300;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    Config single =
        options("--port", "0", "--set", "kvasir.runtime.warm-up=" + warmUp)
            .resolve("single", List.of(MODEL));
    try (NodeLauncher node = NodeLauncher.start(single, BundledExamples.of(single))) {
      out.println(SelfCheck.run(node.server()));
    }
    out.println(
        "asked the cluster %d times, %d tokens came from a peer".formatted(requests, cluster()));
    return 0;
  }

  /** Options of a node as its command line would give them. */
  private static NodeOptions options(String... arguments) {
    NodeOptions options = new NodeOptions();
    new CommandLine(options).parseArgs(arguments);
    return options;
  }

  /** Tokens that one node had from the other. */
  private long cluster() throws IOException, InterruptedException {
    int seed = DemoCluster.freePort();
    Config shared = options().resolve("cluster", List.of(MODEL));
    Map<String, Integer> size = Map.of("nodes-per-host", 2, "max-peers", 1);
    try (DriverHandle driver =
            MediaDrivers.open(
                DriverSettings.from(shared).change(Map.of("mode", "embedded")),
                SizingSettings.from(shared).change(size),
                error -> {});
        ClusterProcess first = start("first", seed, List.of(), driver, size);
        ClusterProcess second = start("second", 0, List.of(seed), driver, size);
        HttpClient http = HttpClient.newHttpClient()) {
      List<String> names = List.of("first", "second");
      List<String> urls = List.of(first.url().orElseThrow(), second.url().orElseThrow());
      String model = first.node().server().orElseThrow().modelName();
      awaitSight(first);
      awaitSight(second);
      SplittableRandom random = new SplittableRandom(1);
      int[] prompt = null;
      long fromPeer = 0;
      for (int i = 0; i < requests; i++) {
        // Each prompt is computed on one node, loaded by the other, and asked for once more.
        if (i % 3 == 0) {
          prompt = random.ints(PROMPT_TOKENS, FIRST_ID, FIRST_ID + IDS).toArray();
        }
        URI url = URI.create(urls.get(i % 2) + "/v1/completions");
        fromPeer +=
            ask(
                http,
                url,
                order(model, prompt, i % 3 == 2 ? null : names.get((i % 3 + i / 3) % 2)));
      }
      long idleNs = System.nanoTime() + IDLE.toNanos();
      for (long left = IDLE.toNanos(); left > 0; left = idleNs - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
      return fromPeer;
    }
  }

  private ClusterProcess start(
      String name, int port, List<Integer> seeds, DriverHandle driver, Map<String, Integer> size) {
    List<String> arguments = new ArrayList<>(List.of("--host", LOOPBACK, "--port", "0"));
    set(arguments, "kvasir.actors.cluster.name", name);
    List<String> roles = List.of("gateway", "prefill", "decode", "cache");
    for (int i = 0; i < roles.size(); i++) {
      set(arguments, "kvasir.actors.cluster.roles." + i, roles.get(i));
    }
    set(arguments, "kvasir.node.cluster.host", LOOPBACK);
    set(arguments, "kvasir.node.cluster.port", "" + port);
    set(arguments, "kvasir.node.cluster.admin.port", "0");
    for (int i = 0; i < seeds.size(); i++) {
      set(arguments, "kvasir.node.cluster.seeds." + i, LOOPBACK + ":" + seeds.get(i));
    }
    set(arguments, "kvasir.runtime.engine.arena", "32 MiB");
    set(arguments, "kvasir.actors.tier.host-bytes", "32 MiB");
    set(arguments, "kvasir.runtime.warm-up", "1s");
    set(arguments, "kvasir.actors.schedule.request-override", "true");
    set(arguments, "kvasir.transport.driver.mode", "external");
    set(arguments, "kvasir.transport.driver.external-folder", driver.folder().toString());
    size.forEach((key, value) -> set(arguments, "kvasir.transport.sizing." + key, "" + value));
    HURRIED.forEach((key, value) -> set(arguments, key, value));
    Config config =
        ClusterConfig.complete(
            options(arguments.toArray(String[]::new)).resolve("cluster", List.of(MODEL)),
            Version.number());
    return ClusterProcess.start(config, BundledExamples.of(config));
  }

  /** Returns when a node sees both with their models. */
  private static void awaitSight(ClusterProcess node) throws IOException, InterruptedException {
    long startNs = System.nanoTime();
    int seen = 0;
    while (seen < 2) {
      if (System.nanoTime() - startNs > REQUEST_LIMIT.toNanos()) {
        throw new IOException(
            "two nodes of one process did not meet in " + REQUEST_LIMIT.toSeconds() + " s");
      }
      LockSupport.parkNanos(POLL_NS);
      seen = 0;
      for (JsonNode member : StatusClient.get(URI.create(node.adminUrl())).path("members")) {
        seen += member.path("known").asBoolean() && !member.path("models").isEmpty() ? 1 : 0;
      }
    }
  }

  private static void set(List<String> arguments, String key, String value) {
    arguments.addAll(List.of("--set", key + "=" + value));
  }

  private static ObjectNode order(String model, int[] prompt, String node) {
    ObjectNode order = JSON.createObjectNode().put("model", model).put("stream", true);
    ArrayNode ids = order.putArray("prompt");
    for (int id : prompt) {
      ids.add(id);
    }
    if (node != null) {
      order.putObject("kvasir").put("node", node);
    }
    order.putObject("stream_options").put("include_usage", true);
    return order
        .put("max_tokens", ANSWER_TOKENS)
        .put("min_tokens", ANSWER_TOKENS)
        .put("ignore_eos", true)
        .put("user", "rehearsal");
  }

  /** Tokens that the answer had from a peer. */
  private static long ask(HttpClient http, URI url, ObjectNode order)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(url)
            .timeout(REQUEST_LIMIT)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(order.toString()))
            .build();
    HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(
          "the cluster answered %d: %s".formatted(response.statusCode(), response.body()));
    }
    Matcher usage = PEER_TOKENS.matcher(response.body());
    return usage.find() ? Long.parseLong(usage.group(1)) : 0;
  }
}
