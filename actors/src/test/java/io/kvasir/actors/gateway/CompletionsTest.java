package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.SamplingParameters;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Answers, streamed and whole, over real HTTP. */
final class CompletionsTest {
  private static ActorTestKit kit;
  private static TestNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node = TestNode.start(kit, "kvasir.actors.gateway.keep-alive-interval = 100 ms");
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
    kit.shutdownTestKit();
  }

  @Test
  void shouldAnswerAChatAsOneDocument() throws Exception {
    node.answerWith("hello é");
    HttpResponse<String> response = node.chat("");
    JsonNode body = TestNode.json(response.body());
    assertEquals(200, response.statusCode(), response.body());
    assertEquals("application/json", response.headers().firstValue("content-type").orElseThrow());
    assertEquals("chat.completion", body.path("object").asText());
    assertTrue(body.path("id").asText().startsWith("chatcmpl-"));
    assertEquals("fake", body.path("model").asText());
    JsonNode choice = body.path("choices").path(0);
    assertEquals("hello é", choice.path("message").path("content").asText());
    assertEquals("assistant", choice.path("message").path("role").asText());
    assertEquals("stop", choice.path("finish_reason").asText());
    GenerationRequest request = node.submitted();
    int prompt = request.promptTokens().length;
    assertArrayEquals(ByteText.tokens("user:hi\nassistant:"), request.promptTokens());
    JsonNode usage = body.path("usage");
    assertEquals(prompt, usage.path("prompt_tokens").asInt());
    assertEquals(9, usage.path("completion_tokens").asInt());
    assertEquals(prompt + 9, usage.path("total_tokens").asInt());
    assertEquals(3, usage.path("prompt_tokens_details").path("cached_tokens").asInt());
    assertEquals(3, usage.path("kvasir").path("device_hit_tokens").asInt());
    assertEquals(prompt - 3, usage.path("kvasir").path("recomputed_tokens").asInt());
  }

  @Test
  void shouldStreamAChatWithUsageAndDone() throws Exception {
    node.answerWith("hello");
    HttpResponse<String> response =
        node.chat("\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    node.submitted();
    assertTrue(
        response
            .headers()
            .firstValue("content-type")
            .orElseThrow()
            .startsWith("text/event-stream"));
    List<String> events = TestNode.events(response.body());
    assertEquals("[DONE]", events.getLast());
    JsonNode first = TestNode.json(events.getFirst());
    assertEquals("chat.completion.chunk", first.path("object").asText());
    assertEquals("assistant", first.path("choices").path(0).path("delta").path("role").asText());
    assertTrue(first.path("choices").path(0).path("finish_reason").isNull());
    StringBuilder text = new StringBuilder();
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode chunk = TestNode.json(event);
      assertEquals(first.path("id"), chunk.path("id"));
      text.append(chunk.path("choices").path(0).path("delta").path("content").asText());
    }
    assertEquals("hello", text.toString());
    JsonNode closing = TestNode.json(events.get(events.size() - 3));
    assertEquals("stop", closing.path("choices").path(0).path("finish_reason").asText());
    JsonNode usage = TestNode.json(events.get(events.size() - 2));
    assertEquals(0, usage.path("choices").size());
    assertEquals(6, usage.path("usage").path("completion_tokens").asInt());
  }

  @Test
  void shouldStreamATextCompletionWithoutUsageWhenNotAsked() throws Exception {
    node.answerWith("hello");
    HttpResponse<String> response = node.complete("\"stream\":true,\"max_tokens\":3");
    node.submitted();
    List<String> events = TestNode.events(response.body());
    StringBuilder text = new StringBuilder();
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode chunk = TestNode.json(event);
      assertEquals("text_completion", chunk.path("object").asText());
      assertFalse(chunk.has("usage"));
      text.append(chunk.path("choices").path(0).path("text").asText());
    }
    assertEquals("hel", text.toString());
    JsonNode closing = TestNode.json(events.get(events.size() - 2));
    assertEquals("length", closing.path("choices").path(0).path("finish_reason").asText());
  }

  @Test
  void shouldSendEachTokenWhenItComesAndKeepTheConnectionAliveBetween() throws Exception {
    node.answerByHand();
    CompletableFuture<HttpResponse<java.util.stream.Stream<String>>> response =
        node.http.sendAsync(
            node.request("/v1/completions")
                .POST(
                    java.net.http.HttpRequest.BodyPublishers.ofString(
                        "{\"model\":\"fake\",\"prompt\":\"x\",\"stream\":true}"))
                .build(),
            HttpResponse.BodyHandlers.ofLines());
    GenerationRequest request = node.submitted();
    var lines = response.get(20, TimeUnit.SECONDS).body().iterator();
    assertEquals(": keep-alive", next(lines));
    for (char c : "abc".toCharArray()) {
      node.engine.publish(request, c);
      String line = next(lines);
      while (line.startsWith(":")) {
        line = next(lines);
      }
      assertEquals(
          String.valueOf(c),
          TestNode.json(line.substring(6)).path("choices").path(0).path("text").asText());
    }
    node.engine.finish(request, FinishReason.LENGTH, 0, null);
    while (lines.hasNext()) {
      lines.next();
    }
  }

  private static String next(java.util.Iterator<String> lines) {
    String line = lines.next();
    return line.isEmpty() ? lines.next() : line;
  }

  @Test
  void shouldEndAtAStopStringWithoutShowingItAndCancelTheRest() throws Exception {
    node.answerByHand();
    node.engine.forgetCancelled();
    node.engine.answerWith(
        request -> node.engine.publish(request, ByteText.tokens("one STOP two")));
    HttpResponse<String> response =
        node.complete("\"stop\":[\"STOP\",\"never\"],\"max_tokens\":100");
    GenerationRequest request = node.submitted();
    JsonNode body = TestNode.json(response.body());
    assertEquals("one ", body.path("choices").path(0).path("text").asText());
    assertEquals("stop", body.path("choices").path(0).path("finish_reason").asText());
    assertEquals(8, body.path("usage").path("completion_tokens").asInt());
    assertEquals(request.id(), node.engine.nextCancelled());
  }

  @Test
  void shouldHandSamplingToTheEngineAndFillInTheModelsDefaults() throws Exception {
    node.answerWith("a");
    node.complete("");
    SamplingParameters defaults = node.submitted().sampling();
    assertEquals(0.25f, defaults.temperature());
    assertEquals(0.5f, defaults.topP());
    assertEquals(7, defaults.topK());
    assertEquals(0.125f, defaults.minP());
    assertEquals(16, defaults.maxTokens());
    assertEquals(List.of(ByteText.END), defaults.stopIds());
    HttpResponse<String> response =
        node.complete(
            """
            "temperature":0,"top_p":0.9,"top_k":-1,"min_p":0,"seed":-5,"min_tokens":1,"max_tokens":9,
            "stop":"x","stop_token_ids":[7],"user":"u","n":1,"logprobs":null,"frequency_penalty":0,
            "kvasir":{"timeout_ms":1500}\
            """);
    assertEquals(200, response.statusCode(), response.body());
    GenerationRequest request = node.submitted();
    assertEquals(
        SamplingParameters.builder()
            .temperature(0)
            .topP(0.9f)
            .seed(-5L)
            .maxTokens(9)
            .minTokens(1)
            .stopIds(List.of(ByteText.END, 7))
            .stopStrings(List.of("x"))
            .continuesPrompt(true)
            .build(),
        request.sampling());
    assertEquals(1_500_000_000L, request.timeoutNs());
  }

  @Test
  void shouldTakeTokenIdsAndPartsOfText() throws Exception {
    node.answerWith("a");
    node.post("/v1/completions", "{\"model\":\"fake\",\"prompt\":[104,105]}");
    assertArrayEquals(new int[] {104, 105}, node.submitted().promptTokens());
    node.post("/v1/completions", "{\"model\":\"fake\",\"prompt\":[\"ab\"]}");
    assertArrayEquals(ByteText.tokens("ab"), node.submitted().promptTokens());
    node.post(
        "/v1/chat/completions",
        """
        {"model":"fake","messages":[{"role":"developer","content":"be"},
         {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}\
        """);
    assertArrayEquals(
        ByteText.tokens("system:be\nuser:ab\nassistant:"), node.submitted().promptTokens());
  }

  @Test
  void shouldServeTheSmallEndpoints() throws Exception {
    JsonNode models = TestNode.json(node.get("/v1/models").body());
    assertEquals("fake", models.path("data").path(0).path("id").asText());
    assertEquals(1000, models.path("data").path(0).path("max_model_len").asInt());
    assertEquals(
        "model", TestNode.json(node.get("/v1/models/fake").body()).path("object").asText());
    assertEquals(200, node.get("/health/live").statusCode());
    assertEquals("ready", TestNode.json(node.get("/health/ready").body()).path("status").asText());
    HttpResponse<String> page = node.get("/");
    assertTrue(page.body().startsWith("<!doctype html>"));
    assertTrue(page.headers().firstValue("content-type").orElseThrow().startsWith("text/html"));
    assertEquals(
        "Question?",
        TestNode.json(node.get("/kvasir/examples").body())
            .path(0)
            .path("questions")
            .path(0)
            .asText());
  }

  @Test
  void shouldExportCountersAndHistograms() throws Exception {
    node.answerWith("abc");
    node.complete("");
    node.submitted();
    String metrics = node.get("/metrics").body();
    for (String expected :
        List.of(
            "kvasir_prompt_tokens_total{model_name=\"fake\",source=\"device\"}",
            "vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"fake\"} 40.0",
            "vllm:time_to_first_token_seconds_bucket",
            "kvasir_http_requests_total{endpoint=\"/v1/completions\",status=\"200\"}")) {
      assertTrue(metrics.contains(expected), expected + " is not in\n" + metrics);
    }
  }
}
