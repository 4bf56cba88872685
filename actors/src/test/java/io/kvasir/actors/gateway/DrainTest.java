package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationRequest;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.Done;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A node that is told to stop while it works. */
final class DrainTest {
  private static ActorTestKit kit;

  @BeforeAll
  static void start() {
    kit = TestNode.newKit();
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  private static CompletableFuture<HttpResponse<String>> send(TestNode node, String fields) {
    return node.http.sendAsync(
        node.request("/v1/chat/completions")
            .POST(HttpRequest.BodyPublishers.ofString(TestNode.chatBody(fields)))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void shouldFinishWhatRunsAndTakeNothingNew() throws Exception {
    try (TestNode node = TestNode.start(kit, "kvasir.actors.gateway.stop-timeout = 1 minute")) {
      CompletableFuture<HttpResponse<String>> streamed = send(node, "\"stream\":true");
      GenerationRequest first = node.submitted();
      CompletableFuture<HttpResponse<String>> whole = send(node, "");
      GenerationRequest second = node.submitted();
      CompletableFuture<Done> stopped = node.server.stop().toCompletableFuture();
      HttpResponse<String> refused = node.chat("");
      assertEquals(503, refused.statusCode());
      assertEquals("draining", TestNode.json(refused.body()).path("error").path("code").asText());
      assertTrue(refused.headers().firstValue("retry-after").isPresent());
      HttpResponse<String> ready = node.get("/health/ready");
      assertEquals(503, ready.statusCode());
      assertEquals("draining", TestNode.json(ready.body()).path("status").asText());
      assertEquals(200, node.get("/health/live").statusCode());
      assertFalse(stopped.isDone());
      for (GenerationRequest request : List.of(first, second)) {
        node.engine.publish(request, 'a', 'b');
        node.engine.finish(request, FinishReason.LENGTH, 0, null);
      }
      assertEquals("[DONE]", TestNode.events(streamed.get(20, TimeUnit.SECONDS).body()).getLast());
      assertEquals(200, whole.get(20, TimeUnit.SECONDS).statusCode());
      stopped.get(20, TimeUnit.SECONDS);
      assertTrue(node.engine.isClosed());
    }
  }

  @Test
  void shouldHangUpAfterARefusal() throws Exception {
    try (TestNode node = TestNode.start(kit, "kvasir.actors.gateway.stop-timeout = 1 minute");
        RawHttp raw = new RawHttp(node)) {
      CompletableFuture<HttpResponse<String>> running = send(node, "");
      GenerationRequest request = node.submitted();
      CompletableFuture<Done> stopped = node.server.stop().toCompletableFuture();
      String answer =
          raw.post("/v1/chat/completions", "", TestNode.chatBody("").getBytes()).untilClosed();
      assertTrue(answer.startsWith("HTTP/1.1 503"), answer);
      assertTrue(answer.contains("Connection: close"), answer);
      node.engine.finish(request, FinishReason.LENGTH, 0, null);
      running.get(20, TimeUnit.SECONDS);
      stopped.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void shouldEndWhatDoesNotFinishInTimeWithAnErrorOfItsOwn() throws Exception {
    try (TestNode node = TestNode.start(kit, "kvasir.actors.gateway.stop-timeout = 200 ms")) {
      CompletableFuture<HttpResponse<String>> streamed = send(node, "\"stream\":true");
      node.engine.publish(node.submitted(), 'a');
      CompletableFuture<HttpResponse<String>> whole = send(node, "");
      node.submitted();
      node.server.stop().toCompletableFuture().get(20, TimeUnit.SECONDS);
      List<String> events = TestNode.events(streamed.get(20, TimeUnit.SECONDS).body());
      assertEquals("[DONE]", events.getLast());
      assertEquals(
          "cancelled",
          TestNode.json(events.get(events.size() - 2)).path("error").path("code").asText());
      HttpResponse<String> cut = whole.get(20, TimeUnit.SECONDS);
      assertEquals(503, cut.statusCode());
      assertEquals("cancelled", TestNode.json(cut.body()).path("error").path("code").asText());
    }
  }
}
