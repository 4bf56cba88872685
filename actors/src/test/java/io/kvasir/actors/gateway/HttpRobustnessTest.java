package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.runtime.engine.FakeEngine;
import io.kvasir.runtime.engine.GenerationRequest;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Clients that mean harm, or do not know what they do. The node answers in its form, or hangs up.
 */
final class HttpRobustnessTest {
  private static final int MUTATIONS = 250;
  private static ActorTestKit kit;
  private static TestNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node =
        TestNode.start(
            kit,
            """
            kvasir.actors.gateway {
              max-body = 16 MiB, max-bodies = 32 MiB, max-requests = 4
              body-timeout = 500 ms, idle-timeout = 1 s
            }
            """,
            new FakeEngine(1000));
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  /** Four places are all there is: one that a hostile client kept would soon be missed. */
  @AfterEach
  void shouldStillServeWithEveryPlaceFree() throws Exception {
    node.answerWith("fine");
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    int status = chatStatus();
    while (status == 429 && System.nanoTime() < deadlineNs) {
      status = chatStatus();
    }
    assertEquals(200, status);
    node.engine.forgetSubmitted();
    node.engine.forgetCancelled();
  }

  /** On a connection of its own: one that was kept may just be ended by the idle limit. */
  private static int chatStatus() throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          node.request("/v1/chat/completions")
              .POST(HttpRequest.BodyPublishers.ofString(TestNode.chatBody("")))
              .build();
      return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }
  }

  private static String assertError(String response, int status, String code) throws Exception {
    assertTrue(response.startsWith("HTTP/1.1 " + status + " "), response);
    assertTrue(
        response.toLowerCase(java.util.Locale.ROOT).contains("\r\nx-request-id: "), response);
    JsonNode error =
        TestNode.json(response.substring(response.indexOf("\r\n\r\n") + 4)).path("error");
    for (String field : new String[] {"message", "type", "param", "code"}) {
      assertTrue(error.has(field), field + " is missing in " + response);
    }
    assertEquals(code, error.path("code").asText(), response);
    return error.path("message").asText();
  }

  private static String ask(String head) throws Exception {
    try (RawHttp raw = new RawHttp(node)) {
      return raw.send(head).response();
    }
  }

  @Test
  void shouldAnswerABrokenHeadLikeEveryOtherRefusal() throws Exception {
    String post = "POST /v1/completions HTTP/1.1\r\nHost: x\r\n";
    assertError(
        ask(post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), 400, "malformed_request");
    assertError(ask(post + "Content-Length: -1\r\n\r\n"), 400, "malformed_request");
    assertError(ask(post + "Content-Length: 2x\r\n\r\n{}"), 400, "malformed_request");
    assertError(
        ask(post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        400,
        "malformed_request");
    assertError(ask("GET / HTTP/1.1\r\n\r\n"), 400, "malformed_request");
    assertError(ask("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "malformed_request");
    assertError(ask("FROB / HTTP/1.1\r\nHost: x\r\n\r\n"), 501, "malformed_request");
    assertError(
        ask("GET /" + "a".repeat(5000) + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414, "malformed_request");
    assertError(
        ask("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + "a".repeat(10_000) + "\r\n\r\n"),
        431,
        "malformed_request");
    assertError(
        ask("GET / HTTP/1.1\r\nHost: x\r\n" + "X-A: b\r\n".repeat(100) + "\r\n"),
        400,
        "malformed_request");
    // Not even a line of text: hanging up without a word is an answer, too.
    String noise = ask("\u0001\u0002\r\n\r\n");
    assertTrue(noise.isEmpty() || noise.startsWith("HTTP/1.1 400 "), noise);
  }

  @Test
  void shouldEndABodyThatComesTooSlowly() throws Exception {
    try (RawHttp raw = new RawHttp(node)) {
      raw.send("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{");
      assertError(raw.response(), 408, "timeout");
    }
    // One byte now and then: the bound is on the whole, not on the gaps.
    try (RawHttp raw = new RawHttp(node)) {
      raw.send("POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      raw.socket.setSoTimeout(50);
      assertError(dribble(raw, "1\r\n \r\n"), 408, "timeout");
    }
  }

  /** Sends bytes in small pauses until something comes back. */
  private static String dribble(RawHttp raw, String bytes) throws Exception {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (System.nanoTime() < deadlineNs) {
      raw.send(bytes);
      try {
        int first = raw.socket.getInputStream().read();
        raw.socket.setSoTimeout(20_000);
        return first < 0 ? "" : (char) first + raw.untilClosed();
      } catch (java.net.SocketTimeoutException silent) {
        // The pause.
      }
    }
    throw new AssertionError("no answer within 20 s");
  }

  @Test
  void shouldHangUpOnAHeadThatNeverEnds() throws Exception {
    try (RawHttp raw = new RawHttp(node)) {
      raw.send("GET / HTTP/1.1\r\nHost: x\r\n");
      raw.socket.setSoTimeout(100);
      assertEquals("", dribble(raw, "X-A: b\r\n"));
    } catch (java.net.SocketException hungUpWhileSending) {
      // So it did.
    }
    try (RawHttp silent = new RawHttp(node)) {
      assertEquals("", silent.untilClosed());
    }
  }

  @Test
  void shouldLeaveAConnectionOpenWhileItsRequestIsAnswered() throws Exception {
    node.answerByHand();
    try (RawHttp raw = new RawHttp(node)) {
      raw.post("/v1/chat/completions", "", TestNode.chatBody("").getBytes());
      GenerationRequest request = node.submitted();
      // Longer than a connection may be idle: the node must not hang up, which would cancel.
      assertEquals(null, node.engine.nextCancelled(1500, TimeUnit.MILLISECONDS));
      node.engine.publish(request, 'a', ByteText.END);
      node.engine.finish(request, io.kvasir.runtime.engine.FinishReason.STOP, 0, null);
      assertTrue(raw.response().startsWith("HTTP/1.1 200"));
    }
  }

  @Test
  void shouldNameTheNumbersOfATenMegabytePrompt() throws Exception {
    byte[] body = ("{\"model\":\"fake\",\"prompt\":\"" + "x".repeat(10_000_000) + "\"}").getBytes();
    try (RawHttp raw = new RawHttp(node)) {
      String message =
          assertError(
              raw.post("/v1/completions", "", body).response(), 400, "context_length_exceeded");
      assertTrue(message.contains("10000000 in the prompt"), message);
    }
  }

  @Test
  void shouldRefuseALargeBodyWithoutReadingItWhenTheClientAsksFirst() throws Exception {
    String head =
        "POST /v1/completions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
            + (64 << 20)
            + "\r\n\r\n";
    assertError(ask(head), 413, "body_too_large");
  }

  /** Valid bodies with a few bytes changed, cut out, doubled or cut off. */
  @Test
  void shouldAnswerEveryMutilatedBodyInItsForm() throws Exception {
    long seed = Long.getLong("kvasir.test.seed", System.nanoTime());
    Random random = new Random(seed);
    String[] bodies = {
      TestNode.chatBody("\"temperature\":0.5,\"max_tokens\":7,\"stop\":[\"a\",\"b\"]"),
      TestNode.chatBody("\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
      "{\"model\":\"fake\",\"prompt\":[1,2,3],\"seed\":1,\"top_p\":1e0,\"kvasir\":{\"timeout_ms\":9}}",
    };
    try {
      for (int i = 0; i < MUTATIONS; i++) {
        byte[] body = mutilate(bodies[i % bodies.length].getBytes(StandardCharsets.UTF_8), random);
        String path = i % bodies.length == 2 ? "/v1/completions" : "/v1/chat/completions";
        try (RawHttp raw = new RawHttp(node)) {
          raw.post(path, "Connection: close\r\n", body);
          assertAnswered(raw.untilClosed(), body);
        }
      }
    } catch (AssertionError | Exception failure) {
      throw new AssertionError("again with -Dkvasir.test.args=-Dkvasir.test.seed=" + seed, failure);
    }
  }

  private static void assertAnswered(String response, byte[] body) throws Exception {
    String sent = new String(body, StandardCharsets.ISO_8859_1);
    if (response.startsWith("HTTP/1.1 200 ")) {
      return;
    }
    assertTrue(response.matches("(?s)HTTP/1.1 (400|404) .*"), sent + " got " + response);
    JsonNode error =
        TestNode.json(response.substring(response.indexOf("\r\n\r\n") + 4)).path("error");
    assertTrue(error.path("message").asText().length() > 10, sent + " got " + response);
    assertTrue(error.path("message").asText().length() < 500, sent + " got " + response);
    assertFalse(error.path("message").asText().contains("Exception"), sent + " got " + response);
  }

  private static byte[] mutilate(byte[] body, Random random) {
    byte[] mutilated = body.clone();
    for (int change = random.nextInt(3); change >= 0; change--) {
      int at = random.nextInt(mutilated.length);
      switch (random.nextInt(5)) {
        case 0 -> mutilated[at] = (byte) random.nextInt(256);
        case 1 -> mutilated = Arrays.copyOf(mutilated, Math.max(1, at));
        case 2 -> mutilated = insert(mutilated, at, mutilated.clone());
        case 3 -> mutilated = insert(mutilated, at, "9".repeat(1 + random.nextInt(400)).getBytes());
        default -> mutilated = insert(mutilated, at, "[{\"a\":".repeat(50).getBytes());
      }
    }
    return mutilated;
  }

  private static byte[] insert(byte[] into, int at, byte[] bytes) {
    byte[] result = Arrays.copyOf(into, into.length + bytes.length);
    System.arraycopy(into, at, result, at + bytes.length, into.length - at);
    System.arraycopy(bytes, 0, result, at, bytes.length);
    return result;
  }
}
