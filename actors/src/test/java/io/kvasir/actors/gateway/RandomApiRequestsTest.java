package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.runtime.engine.EngineStats;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random requests with every option, some of whose clients leave in mid-answer: afterwards nothing
 * is held anywhere, and every answer's accounting adds up.
 */
final class RandomApiRequestsTest {
  private static final int CLIENTS = 16;
  private static final int PLACES = 64;
  private static final long SEED = Long.getLong("kvasir.test.seed", 20261123);

  @TempDir private static Path folder;
  private static ActorTestKit kit;
  private static SmallNode node;
  private static final AtomicInteger WHOLE = new AtomicInteger();
  private static final AtomicInteger STREAMED = new AtomicInteger();
  private static final AtomicInteger LEFT = new AtomicInteger();
  private static final AtomicInteger REFUSED = new AtomicInteger();

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node =
        SmallNode.start(
            kit, folder, "kvasir.actors.gateway.max-requests = " + PLACES + "\n", false);
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  @Test
  void shouldHoldNothingAfterRandomRequestsAndAccountForEach() throws Exception {
    ask(320);
  }

  @Test
  @Tag("slow")
  void shouldHoldNothingAfterAThousandRandomRequests() throws Exception {
    ask(1_000);
  }

  private static void ask(int requests) throws Exception {
    List<Future<?>> clients = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(CLIENTS)) {
      for (int c = 0; c < CLIENTS; c++) {
        Random random = new Random(SEED * 31 + c);
        clients.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < requests / CLIENTS; i++) {
                    run(random);
                  }
                  return null;
                }));
      }
      for (Future<?> client : clients) {
        client.get(120, TimeUnit.SECONDS);
      }
    }
    String counts =
        "seed=%d whole=%s streamed=%s left=%s refused=%s"
            .formatted(SEED, WHOLE, STREAMED, LEFT, REFUSED);
    EngineStats stats = node.settled();
    assertEquals(0, stats.leases(), counts);
    assertEquals(0, stats.running() + stats.waiting(), counts);
    assertEquals(0, stats.arenaReferencedBytes(), counts);
    assertTrue(WHOLE.get() > 0 && STREAMED.get() > 0 && LEFT.get() > 0, counts);
    assertEveryPlaceIsFree(counts);
  }

  /**
   * As many requests at once as the gateway takes are taken, each long enough to meet the others; a
   * place may still be on its way back when they first ask, one that was lost never comes.
   */
  private static void assertEveryPlaceIsFree(String counts) throws Exception {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    int taken = 0;
    while (taken < PLACES && System.nanoTime() < deadlineNs) {
      List<Future<HttpResponse<String>>> answers = new ArrayList<>();
      for (int i = 0; i < PLACES; i++) {
        answers.add(
            node.http.sendAsync(
                node.post(
                    "/v1/completions",
                    "{\"model\":\"small\",\"prompt\":\"x\",\"max_tokens\":300,\"ignore_eos\":true}"),
                HttpResponse.BodyHandlers.ofString()));
      }
      taken = 0;
      for (Future<HttpResponse<String>> answer : answers) {
        taken += answer.get(60, TimeUnit.SECONDS).statusCode() == 200 ? 1 : 0;
      }
    }
    assertEquals(PLACES, taken, counts);
    assertEquals(0, node.settled().leases());
  }

  private static void run(Random random) throws Exception {
    boolean chat = random.nextBoolean();
    boolean stream = random.nextBoolean();
    ObjectNode body = body(random, chat, stream);
    String path = chat ? "/v1/chat/completions" : "/v1/completions";
    if (random.nextInt(4) == 0) {
      leave(random, path, body.toString());
      LEFT.incrementAndGet();
      return;
    }
    HttpResponse<String> response = node.send(path, body.toString());
    if (response.statusCode() == 429) {
      REFUSED.incrementAndGet();
      return;
    }
    assertEquals(200, response.statusCode(), () -> body + " was answered by " + response.body());
    if (stream) {
      List<String> events = TestNode.events(response.body());
      assertEquals("[DONE]", events.getLast());
      assertAccounts(TestNode.json(events.get(events.size() - 2)), body);
      STREAMED.incrementAndGet();
    } else {
      JsonNode answer = TestNode.json(response.body());
      int prompts = body.path("prompt").isArray() ? body.path("prompt").size() : 1;
      assertEquals(body.path("n").asInt(1) * prompts, answer.path("choices").size());
      assertAccounts(answer, body);
      WHOLE.incrementAndGet();
    }
  }

  private static void assertAccounts(JsonNode answer, ObjectNode body) {
    JsonNode usage = answer.path("usage");
    JsonNode kvasir = usage.path("kvasir");
    int prompt = usage.path("prompt_tokens").asInt();
    assertTrue(prompt > 0, () -> body + " was answered by " + answer);
    assertEquals(
        prompt,
        kvasir.path("device_hit_tokens").asInt() + kvasir.path("recomputed_tokens").asInt(),
        () -> body + " was answered by " + answer);
  }

  private static ObjectNode body(Random random, boolean chat, boolean stream) {
    ObjectNode body = TestNode.JSON.createObjectNode().put("model", SmallNode.MODEL);
    String prompt = "x".repeat(random.nextInt(200) + 1) + random.nextInt(5);
    if (chat) {
      body.putArray("messages").addObject().put("role", "user").put("content", prompt);
    } else if (random.nextInt(3) == 0) {
      body.putArray("prompt").add(prompt).add("second");
    } else {
      body.put("prompt", prompt);
    }
    int n = 1 + random.nextInt(3);
    body.put("n", n).put("max_tokens", 1 + random.nextInt(24));
    if (stream) {
      body.put("stream", true).putObject("stream_options").put("include_usage", true);
    } else if (!chat && random.nextInt(4) == 0) {
      body.put("best_of", n + 1);
    }
    sampling(random, body, chat);
    return body;
  }

  private static void sampling(Random random, ObjectNode body, boolean chat) {
    if (random.nextInt(3) == 0) {
      body.put("presence_penalty", 1).put("frequency_penalty", -1).put("repetition_penalty", 1.2);
    }
    if (random.nextInt(3) == 0) {
      body.put("temperature", random.nextDouble() * 2).put("top_p", 0.9).put("typical_p", 0.9);
    }
    if (random.nextInt(3) == 0) {
      body.put("ignore_eos", true).put("seed", random.nextInt());
    }
    if (random.nextInt(4) == 0) {
      body.putArray("stop").add("a").add("xy");
    }
    if (random.nextInt(4) == 0) {
      if (chat) {
        body.put("logprobs", true).put("top_logprobs", random.nextInt(4));
      } else {
        body.put("logprobs", random.nextInt(4)).put("echo", random.nextBoolean());
      }
    }
    if (random.nextInt(4) == 0) {
      body.put("guided_regex", "[a-f]{2,12}");
    }
    if (random.nextInt(8) == 0) {
      body.putObject("kvasir").put("timeout_ms", 60_000);
    }
  }

  /** Asks and goes, at once or after some bytes of the answer. */
  private static void leave(Random random, String path, String body) throws Exception {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    try (Socket socket = new Socket("127.0.0.1", node.server.address().getPort())) {
      socket.setSoTimeout(60_000);
      socket
          .getOutputStream()
          .write(
              ("POST "
                      + path
                      + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
                      + bytes.length
                      + "\r\n\r\n"
                      + body)
                  .getBytes(StandardCharsets.UTF_8));
      InputStream in = socket.getInputStream();
      int wanted = random.nextInt(3) == 0 ? 0 : random.nextInt(800);
      while (wanted > 0) {
        int read = in.read(new byte[wanted]);
        wanted = read < 0 ? 0 : wanted - read;
      }
    }
  }
}
