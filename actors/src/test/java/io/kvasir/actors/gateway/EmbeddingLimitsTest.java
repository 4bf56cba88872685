package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.gateway.access.ApiKey;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import io.kvasir.runtime.engine.GenerationRequest;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.SecureRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Embeddings and tokens pass the same keys, limits and ends as completions. */
final class EmbeddingLimitsTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final ApiKey FREE = ApiKey.create(RANDOM);
  private static final ApiKey SMALL = ApiKey.create(RANDOM);
  private static final ApiKey OTHER = ApiKey.create(RANDOM);
  private static final ApiKey NICK = ApiKey.create(RANDOM);
  private static final String INPUTS = "[\"ab\",\"cde\"]";
  private static ActorTestKit kit;
  private TestNode node;

  @BeforeAll
  static void startKit() {
    kit = TestNode.newKit();
  }

  @AfterAll
  static void stopKit() {
    kit.shutdownTestKit();
  }

  @BeforeEach
  void start() throws Exception {
    node =
        TestNode.start(
            kit,
            """
            kvasir.runtime.aliases = [nick]
            kvasir.actors.gateway.stop-timeout = 20 s
            kvasir.actors.gateway.access.tenants {
              free { keys = ["%s"] }
              small { keys = ["%s"], tokens-per-minute = 100, max-context-tokens = 90 }
              other { keys = ["%s"], models = ["something-else"] }
              nick { keys = ["%s"], models = ["nick"] }
            }
            """
                .formatted(
                    FREE.hash(RANDOM).line(),
                    SMALL.hash(RANDOM).line(),
                    OTHER.hash(RANDOM).line(),
                    NICK.hash(RANDOM).line()));
    node.engine.answerWith(
        request -> {
          node.engine.pool(request, 3, 0, 4, 0);
          node.engine.finish(request, FinishReason.STOP, 0, null);
        });
  }

  @AfterEach
  void stop() {
    node.close();
  }

  private CompletableFuture<HttpResponse<String>> send(ApiKey key, String path, String body) {
    HttpRequest.Builder request = node.request(path);
    if (key != null) {
      request.header("Authorization", "Bearer " + key.token());
    }
    return node.http.sendAsync(
        request.POST(HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> post(ApiKey key, String path, String body) throws Exception {
    return send(key, path, body).get(20, TimeUnit.SECONDS);
  }

  private HttpResponse<String> embed(ApiKey key, String model, String input) throws Exception {
    return post(key, "/v1/embeddings", "{\"model\":\"%s\",\"input\":%s}".formatted(model, input));
  }

  private static void assertError(HttpResponse<String> response, int status, String code)
      throws Exception {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = TestNode.json(response.body()).path("error");
    assertEquals(code, error.path("code").asText(), response.body());
  }

  @Test
  void shouldAskForAKeyAndForAModelThatIsOpenToIt() throws Exception {
    assertError(embed(null, "fake", INPUTS), 401, "invalid_api_key");
    assertError(post(null, "/tokenize", "{\"prompt\":\"a\"}"), 401, "invalid_api_key");
    assertError(post(null, "/detokenize", "{\"tokens\":[1]}"), 401, "invalid_api_key");
    assertError(embed(OTHER, "fake", INPUTS), 403, "model_not_allowed");
    assertError(embed(OTHER, "nick", INPUTS), 403, "model_not_allowed");
    assertError(post(OTHER, "/tokenize", "{\"prompt\":\"a\"}"), 403, "model_not_allowed");
    assertError(post(OTHER, "/detokenize", "{\"tokens\":[1]}"), 403, "model_not_allowed");
    // Who was given the alias has the model by that name alone.
    assertEquals(200, embed(NICK, "nick", INPUTS).statusCode());
    assertError(embed(NICK, "fake", INPUTS), 403, "model_not_allowed");
    assertEquals(200, embed(FREE, "fake", INPUTS).statusCode());
    assertEquals(200, embed(FREE, "nick", INPUTS).statusCode());
  }

  @Test
  void shouldCountTokensOfInputsAgainstTheTenant() throws Exception {
    HttpResponse<String> first = embed(SMALL, "fake", "\"" + "x".repeat(60) + "\"");
    assertEquals(200, first.statusCode(), first.body());
    assertEquals(
        "[0.6,0.0,0.8,0.0]",
        TestNode.json(first.body()).path("data").path(0).path("embedding").toString());
    int left =
        Integer.parseInt(first.headers().firstValue("x-ratelimit-remaining-tokens").orElseThrow());
    assertTrue(left >= 40 && left < 50, "left " + left);
    assertError(embed(SMALL, "fake", "\"" + "x".repeat(60) + "\""), 429, "rate_limit_exceeded");
    assertError(embed(SMALL, "fake", "\"" + "x".repeat(91) + "\""), 400, "context_length_exceeded");
    assertEquals(200, post(SMALL, "/tokenize", "{\"prompt\":\"abc\"}").statusCode());
    String metrics = node.get("/metrics").body();
    assertTrue(
        metrics.contains("kvasir_tenant_tokens_total{kind=\"prompt\",tenant=\"small\"} 60.0"),
        metrics);
    assertTrue(
        metrics.contains(
            "kvasir_http_requests_total{endpoint=\"/v1/embeddings\",status=\"429\"} 1.0"),
        metrics);
    assertTrue(
        metrics.contains("vllm:request_success_total{engine=\"0\",finished_reason=\"stop\""),
        metrics);
  }

  @Test
  void shouldTellWhyTheEngineDidNotEmbed() throws Exception {
    node.engine.refuseWith(new Refusal(Refusal.Code.QUEUE_FULL, "the queue is full", true));
    HttpResponse<String> full = embed(FREE, "fake", INPUTS);
    assertError(full, 429, "overloaded");
    assertTrue(full.headers().firstValue("retry-after").isPresent());
    node.engine.refuseWith(null);
    node.engine.answerWith(r -> node.engine.finish(r, FinishReason.DEADLINE, 0, null));
    assertError(embed(FREE, "fake", INPUTS), 504, "deadline_exceeded");
    node.engine.answerWith(r -> node.engine.finish(r, FinishReason.ERROR, 0, "it broke"));
    assertError(embed(FREE, "fake", INPUTS), 500, "engine_error");
  }

  @Test
  void shouldCancelTheOtherInputsWhenOneFails() throws Exception {
    node.engine.answerWith(
        request -> {
          if (request.promptTokens().length == 3) {
            node.engine.finish(request, FinishReason.ERROR, 0, "it broke");
          }
        });
    assertError(embed(FREE, "fake", INPUTS), 500, "engine_error");
    node.engine.nextCancelled();
    assertEquals(0, node.engine.runningCount());
  }

  @Test
  void shouldHandTheEngineAFewInputsAtATimeAndCancelThemWhenTheClientLeaves() throws Exception {
    node.answerByHand();
    CompletableFuture<HttpResponse<String>> gone =
        send(
            FREE,
            "/v1/embeddings",
            "{\"model\":\"fake\",\"input\":[%s\"x\"]}".formatted("\"x\",".repeat(99)));
    for (int i = 0; i < 16; i++) {
      node.submitted();
    }
    assertEquals(16, node.engine.runningCount());
    gone.cancel(true);
    for (int i = 0; i < 16; i++) {
      node.engine.nextCancelled();
    }
    // An input that was handed over while the first were cancelled is cancelled after them.
    while (node.engine.runningCount() > 0) {
      Thread.onSpinWait();
    }
  }

  @Test
  void shouldLetRunningEmbeddingsEndWhenTheNodeStops() throws Exception {
    node.answerByHand();
    CompletableFuture<HttpResponse<String>> running =
        send(FREE, "/v1/embeddings", "{\"model\":\"fake\",\"input\":\"x\"}");
    GenerationRequest request = node.submitted();
    CompletableFuture<?> stopped = node.server.stop().toCompletableFuture();
    HttpResponse<String> refused = embed(FREE, "fake", INPUTS);
    assertError(refused, 503, "draining");
    node.engine.pool(request, 1, 0, 0, 0);
    node.engine.finish(request, FinishReason.STOP, 0, null);
    assertEquals(200, running.get(20, TimeUnit.SECONDS).statusCode());
    stopped.get(20, TimeUnit.SECONDS);
  }
}
