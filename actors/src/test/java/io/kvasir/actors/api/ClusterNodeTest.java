package io.kvasir.actors.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ClusterSettings;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.blocks.Residence;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two real nodes in one process: a gateway that lends its memory, and a node that computes two
 * models.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class ClusterNodeTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(90);
  private static final int PROMPT_TOKENS = 1000;
  private static final String MODEL =
      """
      {"model_type": "llama", "vocab_size": 259, "hidden_size": %d, "intermediate_size": 64,
       "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
       "head_dim": 16, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 2048, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
      """;

  @TempDir private static Path folder;
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final List<ActorSystem<Void>> SYSTEMS = new ArrayList<>();
  private static ClusterNode front;
  private static ClusterNode computing;

  @BeforeAll
  static void start() throws Exception {
    Path small = Files.createDirectory(folder.resolve("small")).resolve("config.json");
    Path other = Files.createDirectory(folder.resolve("other")).resolve("config.json");
    Files.writeString(small, MODEL.formatted(32));
    Files.writeString(other, MODEL.formatted(48));
    front = node("front", small, other, "gateway", "cache");
    computing = node("computing", small, other, "decode", "prefill", "cache");
    for (ClusterNode node : List.of(computing, front)) {
      node.ready().toCompletableFuture().get(90, TimeUnit.SECONDS);
    }
    await("both nodes see each other's tiers", () -> seen(front) && seen(computing));
  }

  private static boolean seen(ClusterNode node) {
    return node.cluster().view().reachable().stream().filter(one -> one.tier() != null).count()
        == 2;
  }

  private static ClusterNode node(String name, Path small, Path other, String... roles)
      throws Exception {
    Config config =
        ConfigFactory.parseString(
                """
                pekko.actor.provider = cluster
                pekko.actor.allow-java-serialization = off
                pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                pekko.cluster.jmx.multi-mbeans-in-same-jvm = on
                pekko.cluster.downing-provider-class = "org.apache.pekko.cluster.sbr.SplitBrainResolverProvider"
                pekko.coordinated-shutdown.run-by-actor-system-terminate = off
                pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
                kvasir.actors.cluster { name = "%s", roles = [%s] }
                kvasir.actors.gateway { port = 0, stop-timeout = 1 s }
                kvasir.actors.tier { host-bytes = 64 MiB, priors.prefill-tokens-per-second = 10 }
                kvasir.actors.tier.lookup-deadline = 5 s
                kvasir.actors.session { idle-timeout = 2 s, demote-after = 0 s }
                kvasir.runtime { warm-up = 0 s, threads = 1 }
                kvasir.runtime.models = [
                  { model = "dummy:%s", served-name = small, engine.arena = 4 MiB }
                  { model = "dummy:%s", served-name = other, engine.arena = 4 MiB }
                ]
                """
                    .formatted(name, String.join(",", roles), small, other))
            .withFallback(ConfigFactory.load())
            .resolve();
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "nodes", config);
    SYSTEMS.add(system);
    Cluster.get(system)
        .manager()
        .tell(Join.create(Cluster.get(SYSTEMS.getFirst()).selfMember().address()));
    KvasirSettings settings = KvasirSettings.from(config);
    return ClusterNode.start(
            system,
            settings,
            ClusterSettings.from(config),
            CheckpointSource.all(settings),
            List.of())
        .toCompletableFuture()
        .get(90, TimeUnit.SECONDS);
  }

  @AfterAll
  static void stop() {
    HTTP.close();
    front.stop().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
    if (computing != null) {
      computing.stop().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
    }
    for (ActorSystem<Void> system : SYSTEMS) {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
    }
  }

  private static void await(String what, BooleanSupplier condition) {
    long startNs = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - startNs > PATIENCE_NS) {
        fail("not within " + PATIENCE_NS / 1_000_000_000 + " s: " + what);
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Asks for one token behind a prompt of its own; returns where its KV came from. */
  private static JsonNode ask(String model, int salt, String session) throws Exception {
    String prompt =
        IntStream.range(0, PROMPT_TOKENS)
            .mapToObj(i -> Integer.toString(3 + (i * 31 + salt * 17 + i / 7 * salt) % 250))
            .collect(Collectors.joining(","));
    String place = session == null ? "{}" : "{\"session\":\"" + session + "\"}";
    String body =
        "{\"model\":\"%s\",\"prompt\":[%s],\"max_tokens\":1,\"temperature\":0,\"kvasir\":%s}"
            .formatted(model, prompt, place);
    HttpResponse<String> response =
        HTTP.send(
            HttpRequest.newBuilder(
                    URI.create(front.server().orElseThrow().url() + "/v1/completions"))
                .timeout(Duration.ofSeconds(60))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response.body());
    JsonNode usage = JSON.readTree(response.body()).path("usage");
    JsonNode from = usage.path("kvasir");
    int sum = 0;
    for (String source :
        List.of("device_hit", "host", "disk", "peer", "remote", "reused", "recomputed")) {
      sum += from.path(source + "_tokens").asInt();
    }
    assertEquals(usage.path("prompt_tokens").asInt(), sum, response.body());
    return from;
  }

  /** Prompt tokens that the host tier had; a quick machine computes so small a model sooner. */
  private static int onHost(JsonNode from) {
    return from.path("host_tokens").asInt() + from.path("misses").path("slower").asInt();
  }

  /** Of one prompt. */
  private static int fullBlocks() {
    return PROMPT_TOKENS
        / computing
            .cluster()
            .view()
            .find(computing.cluster().identity().nodeId())
            .models()
            .getFirst()
            .shape()
            .slots();
  }

  private static NodeMemory.Tier tier(ClusterNode node, String tier, String model) {
    for (NodeMemory.Tier one : node.admin().memory().tiers()) {
      if (one.tier().equals(tier) && one.model().equals(model)) {
        return one;
      }
    }
    return null;
  }

  private static void clear(ClusterNode node, Residence... tiers) {
    node.admin().clear(Set.of(tiers)).toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
  }

  /** A value of a node's metrics; NaN without. */
  private static double metric(ClusterNode node, String name, String label) {
    double sum = Double.NaN;
    for (String line : node.admin().scrape().split("\n")) {
      if (line.startsWith(name) && line.contains(label)) {
        double value = Double.parseDouble(line.substring(line.lastIndexOf(' ')));
        sum = Double.isNaN(sum) ? value : sum + value;
      }
    }
    return sum;
  }

  private static String readiness() {
    try {
      URI ready = URI.create(front.server().orElseThrow().url() + "/health/ready");
      HttpResponse<String> response =
          HTTP.send(HttpRequest.newBuilder(ready).build(), HttpResponse.BodyHandlers.ofString());
      return response.statusCode() + " " + JSON.readTree(response.body()).path("status").asText();
    } catch (IOException | InterruptedException failed) {
      throw new AssertionError(failed);
    }
  }

  @Test
  @Order(4)
  void shouldNotBeReadyWhileNobodyComputes() throws Exception {
    assertEquals("200 ready", readiness());
    ClusterNode leaving = computing;
    computing = null;
    leaving.stop().toCompletableFuture().get(60, TimeUnit.SECONDS);
    leaving.cluster().leave();
    await("the gateway knows", () -> readiness().equals("503 no_node"));
  }

  @Test
  @Order(1)
  void shouldKeepHostTiersOfEveryModelInEqualShares() throws Exception {
    for (String model : List.of("small", "other")) {
      await(
          "both nodes keep blocks of " + model,
          () -> tier(front, "host", model) != null && tier(computing, "host", model) != null);
      for (ClusterNode node : List.of(front, computing)) {
        long bytes = tier(node, "host", model).capacityBytes();
        assertTrue(bytes > 30 << 20 && bytes <= 32 << 20, "capacityBytes=" + bytes);
      }
    }
    for (String model : List.of("small", "other")) {
      ask(model, 1, null);
      await("blocks of " + model, () -> tier(computing, "host", model).blocks() >= fullBlocks());
    }
    clear(computing, Residence.DEVICE);
    for (String model : List.of("small", "other")) {
      JsonNode from = ask(model, 1, null);
      assertTrue(onHost(from) > 900, from.toString());
    }
  }

  @Test
  @Order(2)
  void shouldGiveUpTheBlocksOfAnIdleSessionFirstAndFindThemOnTheHost() throws Exception {
    clear(computing, Residence.DEVICE, Residence.HOST);
    ask("small", 50, null);
    ask("small", 51, "idle");
    await(
        "the session's blocks are demoted",
        () -> metric(computing, "kvasir_tier_demoted_total", "small") >= fullBlocks());
    long before;
    int salt = 52;
    do {
      before = tier(computing, "device", "small").blocks();
      ask("small", salt++, null);
    } while (tier(computing, "device", "small").blocks() - before >= fullBlocks());
    // The device had to give blocks up for the last prompt: the session's, not the older ones.
    JsonNode older = ask("small", 50, null);
    assertTrue(older.path("device_hit_tokens").asInt() > 900, older.toString());
    JsonNode session = ask("small", 51, null);
    assertTrue(onHost(session) > 0, session.toString());
  }

  @Test
  @Order(3)
  void shouldShowTheFiguresOfEveryPartOnEveryNode() throws Exception {
    ask("other", 90, null);
    for (String name :
        List.of(
            "kvasir_directory_entries",
            "kvasir_sessions",
            "kvasir_tier_blocks",
            "kvasir_tier_loaded_tokens_total",
            "kvasir_links",
            "kvasir_kv_cache_used_bytes")) {
      assertTrue(metric(computing, name, "") >= 0, name + " in " + computing.admin().scrape());
    }
    assertTrue(metric(front, "kvasir_schedule_entries", "") >= 0);
    assertTrue(computing.server().isEmpty());
    assertTrue(metric(computing, "kvasir_kv_cache_used_bytes", "other") > 0);
    double bySource = metric(front, "kvasir_prompt_tokens_total", "source=");
    assertEquals(metric(front, "kvasir_tenant_tokens_total", "kind=\"prompt\""), bySource);
  }
}
