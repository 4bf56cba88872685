package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.gateway.access.ApiKey;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationRequest;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.SecureRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Keys and limits as clients meet them. */
final class TenantHttpTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final ApiKey FREE = ApiKey.create(RANDOM);
  private static final ApiKey SMALL = ApiKey.create(RANDOM);
  private static final ApiKey OTHER = ApiKey.create(RANDOM);
  private static final ApiKey SINGLE = ApiKey.create(RANDOM);
  private static ActorTestKit kit;
  private static TestNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node =
        TestNode.start(
            kit,
            """
            kvasir.actors.gateway.access.tenants {
              free { keys = ["%s"] }
              small { keys = ["%s"], requests-per-minute = 3, tokens-per-minute = 100, max-context-tokens = 90 }
              other { keys = ["%s"], models = ["something-else"] }
              single { keys = ["%s"], max-requests = 1 }
            }
            """
                .formatted(
                    FREE.hash(RANDOM).line(),
                    SMALL.hash(RANDOM).line(),
                    OTHER.hash(RANDOM).line(),
                    SINGLE.hash(RANDOM).line()));
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  private static HttpRequest.Builder as(ApiKey key, String path) {
    HttpRequest.Builder request = node.request(path);
    return key == null ? request : request.header("Authorization", "Bearer " + key.token());
  }

  private static CompletableFuture<HttpResponse<String>> send(ApiKey key, String fields) {
    return node.http.sendAsync(
        as(key, "/v1/completions")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\"fake\",\"prompt\":\"hi\"" + fields + "}"))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static HttpResponse<String> complete(ApiKey key, String fields) throws Exception {
    return send(key, fields).get(20, TimeUnit.SECONDS);
  }

  private static HttpResponse<String> get(ApiKey key, String path) throws Exception {
    return node.http.send(as(key, path).build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String assertError(HttpResponse<String> response, int status, String code)
      throws Exception {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = TestNode.json(response.body()).path("error");
    assertEquals(code, error.path("code").asText(), response.body());
    assertTrue(response.headers().firstValue("x-request-id").isPresent());
    return error.path("message").asText();
  }

  private static long header(HttpResponse<String> response, String name) {
    return response.headers().firstValueAsLong(name).orElseThrow();
  }

  @Test
  void shouldAskForAKeyWhereTheApiIsAndNowhereElse() throws Exception {
    node.answerWith("ok");
    assertError(complete(null, ""), 401, "invalid_api_key");
    assertError(complete(ApiKey.create(RANDOM), ""), 401, "invalid_api_key");
    HttpResponse<String> models = get(null, "/v1/models");
    assertError(models, 401, "invalid_api_key");
    assertEquals("Bearer", models.headers().firstValue("www-authenticate").orElseThrow());
    assertError(get(null, "/v1/models/fake"), 401, "invalid_api_key");
    for (String open : new String[] {"/", "/health/ready", "/health/live", "/metrics"}) {
      assertEquals(200, get(null, open).statusCode(), open);
    }
    assertEquals(200, complete(FREE, "").statusCode());
    assertEquals("free", node.submitted().tenant());
  }

  @Test
  void shouldRefuseTwoAuthorizationHeaders() throws Exception {
    try (RawHttp raw = new RawHttp(node)) {
      String authorization = "Authorization: Bearer " + FREE.token() + "\r\n";
      String answer =
          raw.post("/v1/completions", authorization + authorization, "{}".getBytes()).response();
      assertTrue(answer.startsWith("HTTP/1.1 400"), answer);
      assertTrue(answer.contains("duplicate_header"), answer);
    }
  }

  @Test
  void shouldShowAndServeOnlyTheModelsOfATenant() throws Exception {
    String message = assertError(complete(OTHER, ""), 403, "model_not_allowed");
    assertTrue(message.contains("fake") && message.contains("other"), message);
    assertEquals(0, TestNode.json(get(OTHER, "/v1/models").body()).path("data").size());
    assertError(get(OTHER, "/v1/models/fake"), 404, "model_not_found");
    assertEquals(1, TestNode.json(get(FREE, "/v1/models").body()).path("data").size());
  }

  @Test
  void shouldCountRequestsAndTokensOfAMinuteAndTellInHeaders() throws Exception {
    node.answerWith("abc");
    HttpResponse<String> first = complete(SMALL, ",\"max_tokens\":80");
    assertEquals(200, first.statusCode(), first.body());
    assertEquals("small", node.submitted().tenant());
    assertEquals(3, header(first, "x-ratelimit-limit-requests"));
    assertEquals(2, header(first, "x-ratelimit-remaining-requests"));
    assertEquals(100, header(first, "x-ratelimit-limit-tokens"));
    // Two of the prompt, three and the end's one of the answer; 82 had been taken.
    assertEquals(94, header(first, "x-ratelimit-remaining-tokens"), 1);
    assertTrue(
        first
            .headers()
            .firstValue("x-ratelimit-reset-tokens")
            .orElseThrow()
            .matches("[0-9]+(s|ms)"));
    String context =
        assertError(complete(SMALL, ",\"max_tokens\":95"), 400, "context_length_exceeded");
    assertTrue(context.contains("90 tokens"), context);
    HttpResponse<String> third = complete(SMALL, "");
    assertEquals(200, third.statusCode());
    node.submitted();
    HttpResponse<String> refused = complete(SMALL, "");
    assertError(refused, 429, "rate_limit_exceeded");
    assertEquals("requests", TestNode.json(refused.body()).path("error").path("type").asText());
    assertTrue(header(refused, "retry-after") >= 1 && header(refused, "retry-after") <= 20);
    assertEquals(0, header(refused, "x-ratelimit-remaining-requests"));
    assertTrue(
        get(null, "/metrics")
            .body()
            .contains("kvasir_tenant_denials_total{reason=\"requests\",tenant=\"small\"} 1.0"));
    assertTrue(
        get(null, "/metrics")
            .body()
            .contains("kvasir_tenant_tokens_total{kind=\"generated\",tenant=\"small\"} 8.0"));
  }

  @Test
  void shouldBoundOneTenantWithoutTouchingAnother() throws Exception {
    node.answerByHand();
    for (int round = 0; round < 2; round++) {
      CompletableFuture<HttpResponse<String>> running = send(SINGLE, "");
      GenerationRequest request = node.submitted();
      HttpResponse<String> refused = complete(SINGLE, "");
      String message = assertError(refused, 429, "rate_limit_exceeded");
      assertTrue(message.contains("single") && message.contains("1 requests"), message);
      assertTrue(header(refused, "retry-after") >= 1);
      CompletableFuture<HttpResponse<String>> others = send(FREE, "");
      node.engine.finish(node.submitted(), FinishReason.LENGTH, 0, null);
      assertEquals(200, others.get(20, TimeUnit.SECONDS).statusCode());
      node.engine.finish(request, FinishReason.LENGTH, 0, null);
      assertEquals(200, running.get(20, TimeUnit.SECONDS).statusCode());
    }
  }

  @Test
  void shouldGiveEveryResponseAnIdAndKeepAClientsOwnWhenItIsPlain() throws Exception {
    HttpResponse<String> own =
        node.http.send(
            node.request("/health/live").header("X-Request-Id", "trace-7.a_b").build(),
            HttpResponse.BodyHandlers.ofString());
    assertEquals("trace-7.a_b", own.headers().firstValue("x-request-id").orElseThrow());
    HttpResponse<String> odd =
        node.http.send(
            node.request("/health/live").header("X-Request-Id", "a b").build(),
            HttpResponse.BodyHandlers.ofString());
    String drawn = odd.headers().firstValue("x-request-id").orElseThrow();
    assertTrue(drawn.matches("req_[0-9a-f]{32}"), drawn);
    assertFalse(
        drawn.equals(get(null, "/health/live").headers().firstValue("x-request-id").orElseThrow()));
  }
}
