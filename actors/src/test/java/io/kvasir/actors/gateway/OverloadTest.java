package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.api.Kvasir;
import io.kvasir.actors.api.ModelSource;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.FakeEngine;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import io.kvasir.runtime.engine.GenerationRequest;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What clients are told when the node cannot serve them now, or fails under way. */
final class OverloadTest {
  private static ActorTestKit kit;

  @BeforeAll
  static void start() {
    kit = TestNode.newKit();
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  private static void assertError(HttpResponse<String> response, int status, String code)
      throws Exception {
    assertEquals(status, response.statusCode(), response.body());
    assertEquals(code, TestNode.json(response.body()).path("error").path("code").asText());
    assertEquals(
        status == 429 || status == 503,
        response.headers().firstValue("retry-after").isPresent(),
        "Retry-After");
  }

  @Test
  void shouldSayWhenToComeBackWhenTheQueueIsFull() throws Exception {
    try (TestNode node = TestNode.start(kit, "")) {
      node.engine.refuseWith(
          new Refusal(Refusal.Code.QUEUE_FULL, "256 requests wait already", true));
      assertError(node.chat(""), 429, "overloaded");
      node.engine.refuseWith(new Refusal(Refusal.Code.CLOSED, "the engine has ended", false));
      assertError(node.chat(""), 500, "engine_closed");
      node.engine.refuseWith(null);
      node.answerWith("a");
      assertEquals(200, node.chat("").statusCode());
    }
  }

  @Test
  void shouldBoundRequestsInProgressAndForgetThemAtTheirEnd() throws Exception {
    try (TestNode node = TestNode.start(kit, "kvasir.actors.gateway.max-requests = 2")) {
      for (int round = 0; round < 3; round++) {
        CompletableFuture<HttpResponse<String>> whole = send(node, "");
        GenerationRequest first = node.submitted();
        CompletableFuture<HttpResponse<String>> streamed = send(node, "\"stream\":true");
        GenerationRequest second = node.submitted();
        assertError(node.chat(""), 429, "overloaded");
        node.engine.finish(first, FinishReason.LENGTH, 0, null);
        node.engine.finish(second, FinishReason.LENGTH, 0, null);
        assertEquals(200, whole.get(20, TimeUnit.SECONDS).statusCode());
        assertEquals(200, streamed.get(20, TimeUnit.SECONDS).statusCode());
      }
    }
  }

  private static CompletableFuture<HttpResponse<String>> send(TestNode node, String fields) {
    return node.http.sendAsync(
        node.request("/v1/chat/completions")
            .POST(HttpRequest.BodyPublishers.ofString(TestNode.chatBody(fields)))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void shouldTellOfADeadlineAndOfAFailureInBothModes() throws Exception {
    try (TestNode node = TestNode.start(kit, "")) {
      node.engine.answerWith(
          request -> {
            node.engine.publish(request, 'a');
            node.engine.finish(request, FinishReason.DEADLINE, 0, null);
          });
      assertError(node.chat(""), 504, "deadline_exceeded");
      assertStreamedError(node, "deadline_exceeded");
      node.engine.answerWith(
          request -> node.engine.finish(request, FinishReason.ERROR, 0, "the device is gone"));
      assertError(node.chat(""), 500, "engine_error");
      assertStreamedError(node, "engine_error");
    }
  }

  private static void assertStreamedError(TestNode node, String code) throws Exception {
    List<String> events = TestNode.events(node.chat("\"stream\":true").body());
    assertEquals("[DONE]", events.getLast());
    JsonNode error = TestNode.json(events.get(events.size() - 2)).path("error");
    assertEquals(code, error.path("code").asText(), events.toString());
  }

  @Test
  void shouldAnswer503UntilTheModelIsLoaded() throws Exception {
    FakeEngine engine = new FakeEngine(100);
    CountDownLatch loaded = new CountDownLatch(1);
    ModelSource slow =
        new ModelSource() {
          @Override
          public ModelText openText() {
            return new ByteText();
          }

          @Override
          public GenerationEngine openEngine() throws InterruptedException {
            loaded.await();
            return engine;
          }
        };
    try (TestNode node = TestNode.start(kit, "", engine, slow)) {
      node.answerWith("a");
      assertEquals(503, node.get("/health/ready").statusCode());
      assertEquals(200, node.get("/health/live").statusCode());
      assertEquals(200, node.get("/v1/models").statusCode());
      assertEquals(200, node.get("/metrics").statusCode());
      assertError(node.chat(""), 503, "model_loading");
      loaded.countDown();
      node.server.ready().toCompletableFuture().get(20, TimeUnit.SECONDS);
      assertEquals(200, node.get("/health/ready").statusCode());
      assertEquals(200, node.chat("").statusCode());
    }
    assertTrue(engine.isClosed());
  }

  @Test
  void shouldStayUpAndSayWhyWhenTheModelCannotBeLoaded() throws Exception {
    ModelSource broken =
        new ModelSource() {
          @Override
          public ModelText openText() {
            return new ByteText();
          }

          @Override
          public GenerationEngine openEngine() {
            throw new IllegalStateException("arena=9 TiB exceeds memory=1 GiB, lower arena");
          }
        };
    try (TestNode node = TestNode.start(kit, "", new FakeEngine(1), broken)) {
      ExecutionException failure =
          assertThrows(
              ExecutionException.class,
              () -> node.server.ready().toCompletableFuture().get(20, TimeUnit.SECONDS));
      assertEquals(
          "arena=9 TiB exceeds memory=1 GiB, lower arena", failure.getCause().getMessage());
      HttpResponse<String> response = node.chat("");
      assertError(response, 500, "model_failed");
      assertTrue(response.body().contains("lower arena"));
      assertFalse(response.body().contains("Exception"));
      assertEquals(
          "failed", TestNode.json(node.get("/health/ready").body()).path("status").asText());
      assertEquals(200, node.get("/health/live").statusCode());
    }
  }

  @Test
  void shouldSayInOneSentenceThatThePortIsInUse() throws Exception {
    try (TestNode node = TestNode.start(kit, "")) {
      int port = node.server.address().getPort();
      FakeEngine engine = new FakeEngine(1);
      KvasirSettings settings =
          KvasirSettings.from(TestNode.config("kvasir.actors.gateway.port = " + port));
      ExecutionException failure =
          assertThrows(
              ExecutionException.class,
              () ->
                  Kvasir.start(kit.system(), settings, TestNode.source(engine), List.of())
                      .toCompletableFuture()
                      .get(20, TimeUnit.SECONDS));
      assertTrue(failure.getCause() instanceof ConfigurationException, failure.toString());
      String message = failure.getCause().getMessage();
      assertTrue(message.contains("port=" + port) && message.contains("--port"), message);
    }
  }
}
