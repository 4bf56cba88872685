package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.observe.PrometheusText;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two real models on one node: who answers, how they stand, what they share. */
final class SeveralModelsTest {
  @TempDir private static Path folder;
  private static ActorTestKit kit;
  private static String tiny;
  private static RealNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    tiny = RealNode.tiny(folder);
    node = RealNode.startReady(kit, models(tiny));
  }

  private static String models(String second) {
    return """
    kvasir.runtime.models = [
      { model = "embedded:factbook", served-name = book, aliases = [gpt-4o, default] },
      { model = "%s", served-name = tiny, engine.arena = 8 MiB, max-context-tokens = 200 }
    ]
    """
        .formatted(second);
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  private static String completion(String model, int i) {
    return """
    {"model":"%s","prompt":[%d,17,33,%d,5,9],"temperature":0.8,"seed":%d,"max_tokens":40}\
    """
        .formatted(model, 20 + i, 40 + i, i);
  }

  private static String text(JsonNode answer) {
    return answer.path("choices").path(0).path("text").asText();
  }

  @Test
  void shouldAnswerConcurrentlyAsEachModelDoesAlone() throws Exception {
    List<String> names = List.of("book", "tiny");
    List<List<String>> expected = new ArrayList<>();
    for (String location : List.of(RealNode.FACTBOOK, tiny)) {
      String only = "kvasir.runtime.models = [{ model = \"%s\", served-name = m }]";
      try (RealNode alone = RealNode.startReady(kit, only.formatted(location))) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
          texts.add(text(alone.ask("/v1/completions", completion("m", i))));
        }
        expected.add(texts);
      }
    }
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      for (String name : names) {
        answers.add(node.send("/v1/completions", completion(name, i)));
      }
    }
    for (int i = 0; i < answers.size(); i++) {
      JsonNode answer = TestNode.json(answers.get(i).get(60, TimeUnit.SECONDS).body());
      assertEquals(names.get(i % 2), answer.path("model").asText(), answer.toString());
      assertEquals(expected.get(i % 2).get(i / 2), text(answer));
      JsonNode usage = answer.path("usage");
      JsonNode source = usage.path("kvasir");
      assertEquals(
          usage.path("prompt_tokens").asInt(),
          source.path("device_hit_tokens").asInt() + source.path("recomputed_tokens").asInt());
    }
  }

  @Test
  void shouldAnswerToAliasesInTheModelsName() throws Exception {
    JsonNode byId = node.ask("/v1/completions", completion("book", 3));
    JsonNode byAlias = node.ask("/v1/completions", completion("gpt-4o", 3));
    assertEquals("book", byAlias.path("model").asText());
    assertEquals(text(byId), text(byAlias));
  }

  @Test
  void shouldListModelsAndAliases() throws Exception {
    JsonNode data = node.ask("/v1/models");
    List<String> lines = new ArrayList<>();
    data.path("data")
        .forEach(
            m ->
                lines.add(
                    m.path("id").asText()
                        + " of "
                        + m.path("root").asText()
                        + " "
                        + m.path("max_model_len").asInt()));
    int context = data.path("data").path(0).path("max_model_len").asInt();
    assertTrue(context > 200);
    assertEquals(
        List.of(
            "book of book " + context,
            "gpt-4o of book " + context,
            "default of book " + context,
            "tiny of tiny 200"),
        lines);
    assertEquals("book", node.ask("/v1/models/gpt-4o").path("root").asText());
    assertTrue(data.path("data").path(0).path("parent").isNull());
  }

  @Test
  void shouldHaveOneSetOfMetricsAModel() throws Exception {
    node.ask("/v1/completions", completion("tiny", 1));
    PrometheusText metrics = PrometheusText.parse(node.get("/metrics").body());
    assertEquals(16 << 20, metrics.value("kvasir_kv_cache_bytes", "model_name", "book"), 1 << 20);
    assertEquals(8 << 20, metrics.value("kvasir_kv_cache_bytes", "model_name", "tiny"), 1 << 20);
    assertTrue(metrics.value("vllm:generation_tokens_total", "model_name", "tiny") >= 1);
    assertTrue(metrics.value("vllm:num_requests_running", "model_name", "book") >= 0);
  }

  @Test
  void shouldBeReadyWhenAllModelsAre() throws Exception {
    JsonNode health = node.ask("/health/ready");
    assertEquals("ready", health.path("status").asText());
    assertEquals("tiny", health.path("models").path(1).path("id").asText());
    assertEquals("ready", health.path("models").path(1).path("status").asText());
  }

  @Test
  void shouldServeTheFirstWhenTheSecondDoesNotLoad() throws Exception {
    try (RealNode half = RealNode.startReady(kit, models("/no/such/model"))) {
      assertEquals(
          "book", half.ask("/v1/completions", completion("book", 1)).path("model").asText());
      HttpResponse<String> failed = half.post("/v1/completions", completion("tiny", 1));
      assertEquals(500, failed.statusCode());
      JsonNode error = TestNode.json(failed.body()).path("error");
      assertEquals("model_failed", error.path("code").asText());
      assertTrue(error.path("message").asText().contains("/no/such/model"), failed.body());
      HttpResponse<String> health = half.get("/health/ready");
      assertEquals(503, health.statusCode());
      JsonNode models = TestNode.json(health.body()).path("models");
      assertEquals("ready", models.path(0).path("status").asText());
      assertEquals("failed", models.path(1).path("status").asText());
      assertTrue(models.path(1).path("reason").asText().contains("/no/such/model"));
      assertEquals(200, half.get("/metrics").statusCode());
      assertThrows(
          ExecutionException.class,
          () -> half.server.ready("tiny").toCompletableFuture().get(60, TimeUnit.SECONDS));
    }
  }

  @Test
  void shouldRefuseModelsThatDoNotFitTogetherWithTheArithmetic() throws Exception {
    long memory =
        ((com.sun.management.OperatingSystemMXBean)
                java.lang.management.ManagementFactory.getOperatingSystemMXBean())
            .getTotalMemorySize();
    // Each fits alone.
    long bytes = memory * 6 / 10;
    try (RealNode full =
        RealNode.start(
            kit,
            """
            kvasir.runtime.models = [
              { model = "embedded:factbook", served-name = book, engine.arena = %d },
              { model = "%s", served-name = tiny, engine.arena = %d }
            ]
            """
                .formatted(bytes, tiny, bytes))) {
      ExecutionException refused =
          assertThrows(
              ExecutionException.class,
              () -> full.server.ready().toCompletableFuture().get(60, TimeUnit.SECONDS));
      String message = refused.getCause().getMessage();
      long mib = bytes >> 20;
      assertTrue(message.contains("KV arenas of " + (2 * bytes >> 20) + " MiB"), message);
      assertTrue(message.contains("book "), message);
      assertTrue(message.contains(" + " + mib + " MiB"), message);
      assertTrue(message.contains("or serve fewer models"), message);
      HttpResponse<String> answer = full.post("/v1/completions", completion("book", 1));
      assertEquals(500, answer.statusCode());
    }
  }
}
