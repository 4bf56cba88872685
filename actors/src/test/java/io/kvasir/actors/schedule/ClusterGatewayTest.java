package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.Config;
import io.kvasir.actors.gateway.Gateway;
import io.kvasir.actors.gateway.ServedModel;
import io.kvasir.actors.gateway.ServedModels;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.runtime.engine.Pooling;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTP at a gateway that has a model's text alone. */
final class ClusterGatewayTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;

  private static ActorSystem<Void> system;
  private static TestNodes.Computing node;
  private static TestNodes.View view;
  private static Gateway gateway;
  private static HttpClient http;

  @BeforeAll
  static void start() throws Exception {
    node = new TestNodes.Computing(1, TestNodes.model(folder));
    Config config = TestNodes.config("kvasir.actors.gateway { port = 0, stop-timeout = 1 s }");
    system = ActorSystem.create(Behaviors.empty(), "gateway", config);
    view = new TestNodes.View(TestNodes.info(9, Set.of("gateway"), List.of(), null));
    ServedModel served = new ServedModel(TestNodes.MODEL, List.of(), Pooling.LAST, 1, null);
    served.settle(
        new ServedModel.Ready(node.text, node.engine.maxContextTokens(), node.engine.hiddenSize()));
    gateway =
        Gateway.bind(
                system,
                KvasirSettings.from(config).gateway(),
                null,
                new ServedModels(List.of(served)),
                ClusterGenerations.start(
                    system, view, null, ScheduleSettings.from(config), system.executionContext()),
                List.of(),
                new NodeMetrics(List.of(TestNodes.MODEL)),
                64)
            .toCompletableFuture()
            .get(30, TimeUnit.SECONDS);
    http = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    gateway
        .close(Duration.ofSeconds(1))
        .toCompletableFuture()
        .orTimeout(30, TimeUnit.SECONDS)
        .join();
    http.close();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
    node.stop();
  }

  private static HttpResponse<String> post(String path, String body) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + gateway.address().getPort() + path);
    return http.send(
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(60))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static String completion(String fields) {
    return "{\"model\":\"small\",\"prompt\":\"the quick brown fox jumps over\"," + fields + "}";
  }

  @Test
  void shouldTellWhereThePromptCameFromAndWhy() throws Exception {
    view.see(List.of(node.seenFrom(system)));
    HttpResponse<String> response =
        post(
            "/v1/completions",
            completion(
                "\"max_tokens\":8,\"temperature\":0,"
                    + "\"kvasir\":{\"session\":\"s1\",\"explain\":true}"));
    assertEquals(200, response.statusCode(), response.body());
    JsonNode answer = JSON.readTree(response.body());
    JsonNode usage = answer.get("usage");
    JsonNode accounting = usage.get("kvasir");
    int sum = 0;
    for (String source :
        List.of("device_hit", "host", "disk", "peer", "remote", "reused", "recomputed")) {
      sum += accounting.get(source + "_tokens").intValue();
    }
    assertEquals(usage.get("prompt_tokens").intValue(), sum, response.body());
    assertEquals("n1", accounting.get("node").textValue());
    assertEquals(1, accounting.get("attempts").intValue());
    assertEquals(0, accounting.get("replayed_tokens").intValue());
    JsonNode route = answer.get("kvasir").get("nodes").get(0);
    assertEquals("n1", route.get("node").textValue());
    assertTrue(route.get("chosen").booleanValue());
    assertTrue(route.get("total_ms").doubleValue() > 0);
  }

  @Test
  void shouldStreamTheSameTextAndExplainAtTheEnd() throws Exception {
    view.see(List.of(node.seenFrom(system)));
    String fields = "\"max_tokens\":24,\"temperature\":1,\"seed\":4";
    JsonNode whole = JSON.readTree(post("/v1/completions", completion(fields)).body());
    String body =
        post(
                "/v1/completions",
                completion(fields + ",\"stream\":true,\"kvasir\":{\"explain\":true}"))
            .body();
    StringBuilder text = new StringBuilder();
    boolean explained = false;
    for (String event : body.split("\n\n")) {
      if (event.startsWith("data: {")) {
        JsonNode chunk = JSON.readTree(event.substring("data: ".length()));
        for (JsonNode choice : chunk.get("choices")) {
          text.append(choice.get("text").textValue());
        }
        explained |= chunk.has("kvasir");
      }
    }
    assertEquals(whole.get("choices").get(0).get("text").textValue(), text.toString());
    assertFalse(whole.has("kvasir"));
    assertTrue(explained, body);
  }

  @Test
  void shouldNameTheFieldOfAGrammarThatTheNodeRefuses() throws Exception {
    view.see(List.of(node.seenFrom(system)));
    HttpResponse<String> response =
        post("/v1/completions", completion("\"guided_regex\":\"(unclosed\""));
    assertEquals(400, response.statusCode());
    JsonNode error = JSON.readTree(response.body()).get("error");
    assertEquals("invalid_grammar", error.get("code").textValue());
    assertEquals("guided_regex", error.get("param").textValue());
  }

  @Test
  void shouldRefuseUnknownFieldsOfTheExtensionByName() throws Exception {
    HttpResponse<String> response =
        post("/v1/completions", completion("\"kvasir\":{\"explan\":true}"));
    assertEquals(400, response.statusCode());
    assertEquals(
        "kvasir.explan", JSON.readTree(response.body()).get("error").get("param").textValue());
  }

  @Test
  void shouldTakeANamedNodeOnlyWhereThatIsConfigured() throws Exception {
    for (String field : List.of("\"node\":\"n1\"", "\"sources\":[\"host\"]")) {
      HttpResponse<String> response =
          post("/v1/completions", completion("\"kvasir\":{" + field + "}"));
      assertEquals(400, response.statusCode(), response.body());
      JsonNode error = JSON.readTree(response.body()).get("error");
      assertEquals("override_disabled", error.get("code").textValue());
      assertTrue(error.get("message").textValue().contains("schedule.request-override"));
    }
    HttpResponse<String> unknown =
        post("/v1/completions", completion("\"kvasir\":{\"sources\":[\"attic\"]}"));
    assertEquals(400, unknown.statusCode());
    assertTrue(unknown.body().contains("attic"), unknown.body());
  }

  @Test
  void shouldTokeniseAndEmbedWithoutAModelOfItsOwn() throws Exception {
    view.see(List.of(node.seenFrom(system)));
    JsonNode tokens =
        JSON.readTree(post("/tokenize", "{\"model\":\"small\",\"prompt\":\"ab\"}").body());
    assertEquals(tokens.get("count").intValue(), tokens.get("tokens").size());
    HttpResponse<String> embedded =
        post("/v1/embeddings", "{\"model\":\"small\",\"input\":[\"ab\",\"cd\"]}");
    assertEquals(200, embedded.statusCode(), embedded.body());
    assertEquals(2, JSON.readTree(embedded.body()).get("data").size());
  }

  @Test
  void shouldAnswer503WhileNoNodeComputes() throws Exception {
    view.see(List.of());
    HttpResponse<String> response = post("/v1/completions", completion("\"max_tokens\":4"));
    assertEquals(503, response.statusCode());
    assertEquals("no_node", JSON.readTree(response.body()).get("error").get("code").textValue());
    assertTrue(response.headers().firstValue("Retry-After").isPresent());
  }
}
