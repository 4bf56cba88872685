package io.kvasir.chaos.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.api.NodeMemory;
import io.kvasir.actors.gateway.access.ApiKey;
import io.kvasir.chaos.Evidence;
import io.kvasir.node.cluster.DemoCluster;
import io.kvasir.node.cluster.StatusClient;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A gateway and nodes that compute, each a JVM of its own, over shared memory and loopback sockets:
 * what {@code kvasir demo} starts, with two tenants, small tables and a model of its own. The
 * gateway is {@code node-1}.
 */
public final class ClusterUnderTest implements AutoCloseable {
  /** The tenant of most questions. */
  public static final String LEFT = "left";

  /** Another one, who must never see anything of the first. */
  public static final String RIGHT = "right";

  /** Tokens a block. */
  public static final int SLOTS = 16;

  /** Entries of one node's directory copy at most. */
  public static final int MAX_DIRECTORY_ENTRIES = 1000;

  /** Sessions that a gateway remembers, and that a node keeps, at most. */
  public static final int MAX_SESSIONS = 30;

  /** Of a gateway's memory of where it sent prompts: full at the same time. */
  public static final int MAX_PREFIXES = 40;

  /**
   * Small enough to start soon, and large enough that loading a prompt's blocks is clearly faster
   * than computing them, even by code that has just been compiled or not at all.
   */
  private static final String MODEL =
      """
      {"model_type": "llama", "vocab_size": 512, "hidden_size": 512, "intermediate_size": 1408,
       "num_hidden_layers": 10, "num_attention_heads": 8, "num_key_value_heads": 2,
       "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 2048, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
      """;

  private static final String GATEWAY = "node-1";
  private static final Duration START = Duration.ofMinutes(4);
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int MAX_LINES = 1000;

  private final DemoCluster cluster;
  private final HttpClient http = HttpClient.newHttpClient();
  private final Map<String, String> keys = new HashMap<>();
  private final AtomicLong accounted = new AtomicLong();
  private final Deque<String> lines = new ArrayDeque<>();
  private final Path folder;
  private final String model;

  /**
   * Starts it and waits until every node serves.
   *
   * @param nodes with the gateway
   * @param flags of the nodes' JVMs
   * @param own settings before the ones for tests
   */
  public ClusterUnderTest(int nodes, List<String> flags, Map<String, String> own)
      throws IOException, InterruptedException {
    folder = Files.createTempDirectory("kvasir-scenarios-");
    Path shape = Files.writeString(folder.resolve("config.json"), MODEL);
    Map<String, String> settings = new TreeMap<>(settings());
    settings.put("kvasir.runtime.model", "dummy:" + shape);
    settings.putAll(own);
    List<String> arguments = new ArrayList<>();
    settings.forEach(
        (key, value) -> {
          arguments.add("--set");
          arguments.add(key + "=" + value);
        });
    cluster =
        new DemoCluster(
            config(settings), nodes, DemoCluster.freePort(), flags, arguments, this::print);
    boolean started = false;
    try {
      cluster.awaitReady(START, this::print);
      model = api().model();
      started = true;
    } catch (IOException late) {
      throw new IOException(late.getMessage() + "\n" + String.join("\n", lines()), late);
    } finally {
      if (!started) {
        end();
      }
    }
  }

  private Map<String, String> settings() {
    Map<String, String> settings = new TreeMap<>();
    SecureRandom random = new SecureRandom();
    for (String tenant : List.of(LEFT, RIGHT)) {
      ApiKey key = ApiKey.create(random);
      keys.put(tenant, key.token());
      settings.put(
          "kvasir.actors.gateway.access.tenants." + tenant + ".keys.0", key.hash(random).line());
    }
    settings.put("kvasir.runtime.page-tokens", "" + SLOTS);
    settings.put("kvasir.runtime.threads", "1");
    // What is tested is who answers, not how fast: nodes are to be back soon.
    settings.put("kvasir.runtime.warm-up", "1 s");
    settings.put("kvasir.actors.directory.max-entries", "" + MAX_DIRECTORY_ENTRIES);
    settings.put("kvasir.actors.schedule.max-sessions", "" + MAX_SESSIONS);
    settings.put("kvasir.actors.schedule.max-prefixes", "" + MAX_PREFIXES);
    settings.put("kvasir.actors.session.max-sessions", "" + MAX_SESSIONS);
    // The coordinator of the shards is the oldest node of this role: one that can be killed without
    // the clients' connections.
    settings.put("kvasir.actors.session.role", "decode");
    // Time is short and the machine is busy: a slow directory is still one that answers.
    settings.put("kvasir.actors.schedule.lookup-deadline", "500 ms");
    settings.put("kvasir.actors.tier.lookup-deadline", "500 ms");
    settings.put("kvasir.actors.schedule.fetch-deadline", "3 s");
    settings.put("kvasir.node.cluster.restart.first", "200 ms");
    return settings;
  }

  private static Config config(Map<String, String> settings) {
    Config config = ConfigFactory.empty();
    for (Map.Entry<String, String> one : settings.entrySet()) {
      config = config.withFallback(ConfigFactory.parseMap(Map.of(one.getKey(), one.getValue())));
    }
    return config
        .withFallback(
            ConfigFactory.parseResources(
                DemoCluster.class.getClassLoader(), "io/kvasir/node/demo-node.conf"))
        .withFallback(ConfigFactory.defaultReferenceUnresolved())
        .resolve();
  }

  private void print(String line) {
    synchronized (lines) {
      if (lines.size() == MAX_LINES) {
        lines.removeFirst();
      }
      lines.addLast(line);
    }
  }

  /** What nodes have printed, and what happened to them, the latest last. */
  public List<String> lines() {
    synchronized (lines) {
      return List.copyOf(lines);
    }
  }

  /** Client of the usual tenant. */
  public ApiClient api() {
    return api(LEFT);
  }

  /** Client of a tenant. */
  public ApiClient api(String tenant) {
    return new ApiClient(http, URI.create(cluster.url()), keys.get(tenant), accounted);
  }

  /** Answers whose accounting was checked, of all scenarios so far. */
  public long accounted() {
    return accounted.get();
  }

  /** A prompt of its own for each salt; the answer is one token. */
  public Question question(int promptTokens, int salt) {
    return Question.of(model, promptTokens, salt);
  }

  /** Names of all nodes, the gateway first. */
  public List<String> nodes() {
    return List.copyOf(cluster.adminUrls().keySet());
  }

  /** Names of the nodes that compute. */
  public List<String> computing() {
    return nodes().stream().filter(node -> !node.equals(GATEWAY)).toList();
  }

  public String gateway() {
    return GATEWAY;
  }

  private String admin(String node, String method, String path)
      throws IOException, InterruptedException {
    HttpResponse<String> response =
        http.send(
            HttpRequest.newBuilder(cluster.adminUrls().get(node).resolve(path))
                .timeout(LIMIT)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new ApiClient.Refused(response.statusCode(), response.body());
    }
    return response.body();
  }

  /** What a node holds now. */
  public NodeMemory memory(String node) throws IOException, InterruptedException {
    return ApiClient.JSON.readValue(admin(node, "GET", "/kvasir/memory"), NodeMemory.class);
  }

  /** Drops what nobody keeps of a node's tiers: device, host, or both with a comma. */
  public JsonNode clear(String node, String tiers) throws IOException, InterruptedException {
    return ApiClient.JSON.readTree(admin(node, "POST", "/kvasir/cache/clear?tiers=" + tiers));
  }

  /** A node's metrics: values by name with labels, as they are printed. */
  public Map<String, Double> metrics(String node) throws IOException, InterruptedException {
    Map<String, Double> values = new TreeMap<>();
    for (String line : admin(node, "GET", "/metrics").split("\n")) {
      int space = line.lastIndexOf(' ');
      if (!line.startsWith("#") && space > 0) {
        values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
      }
    }
    return values;
  }

  /** The cluster as a node sees it. */
  public JsonNode status(String node) throws IOException, InterruptedException {
    return StatusClient.get(cluster.adminUrls().get(node));
  }

  /** Name of the oldest node that computes: the coordinator of the shards is there. */
  public String coordinator() throws IOException, InterruptedException {
    JsonNode members = ApiClient.JSON.readTree(admin(GATEWAY, "GET", "/cluster/members/"));
    String address = members.path("oldestPerRole").path("decode").asText();
    for (JsonNode member : status(GATEWAY).path("members")) {
      if (member.path("address").asText().equals(address)) {
        return member.path("name").asText();
      }
    }
    throw new IllegalStateException("no member has the address of the oldest: " + members);
  }

  public void kill(String node) {
    cluster.kill(node);
  }

  /** Lets a node stand still until {@link #resume}. */
  public void pause(String node) throws IOException, InterruptedException {
    cluster.pause(node);
  }

  public void resume(String node) throws IOException, InterruptedException {
    cluster.resume(node);
  }

  /** Tells a node to drain and to end; it is started again. */
  public void restart(String node) {
    cluster.restart(node);
  }

  /** Lives of a node so far. */
  public int lives(String node) {
    return cluster.lives(node);
  }

  /** Whether every node sees every other one, Up, and those that compute have their models. */
  public boolean isWhole() throws IOException, InterruptedException {
    for (String node : nodes()) {
      int there = 0;
      for (JsonNode member : status(node).path("members")) {
        boolean computes = !member.path("name").asText().equals(GATEWAY);
        there +=
            member.path("status").asText().equals("Up")
                    && member.path("reachable").asBoolean()
                    && member.path("known").asBoolean()
                    && (!computes || !member.path("models").isEmpty())
                ? 1
                : 0;
      }
      if (there != nodes().size()) {
        return false;
      }
    }
    return true;
  }

  /** Waits until every node is there again; how long it took. */
  public Duration awaitWhole(Evidence evidence) throws InterruptedException {
    return evidence.await(
        START,
        () -> "every node sees every other one\n" + String.join("\n", lines()),
        this::isWhole);
  }

  /** Waits until no node leases a byte, is asked anything, or computes (law 3). */
  public void awaitRest(Evidence evidence) throws InterruptedException {
    for (String node : nodes()) {
      NodeMemory[] last = new NodeMemory[1];
      evidence.await(
          Evidence.PATIENCE,
          () -> node + " is at rest, but " + last[0],
          () -> {
            last[0] = memory(node);
            return atRest(last[0]);
          });
    }
    evidence.note("0 bytes are leased on any of %s", nodes());
  }

  private static boolean atRest(NodeMemory memory) {
    return memory.requests().running() + memory.requests().waiting() == 0
        && memory.tiers().stream()
            .allMatch(
                tier -> tier.leases() == 0 && tier.leasedBytes() == 0 && tier.inFlight() == 0);
  }

  /** Empties every tier of every node. */
  public void clearAll(Evidence evidence) throws IOException, InterruptedException {
    awaitRest(evidence);
    for (String node : nodes()) {
      clear(node, "device,host");
    }
  }

  @Override
  public void close() throws IOException {
    http.shutdownNow();
    end();
  }

  private void end() throws IOException {
    try {
      cluster.close();
    } finally {
      Files.deleteIfExists(folder.resolve("config.json"));
      Files.deleteIfExists(folder);
    }
  }
}
