package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What is left of a request in log and Flight Recorder: counts and times, and never its words. */
final class RequestRecordTest {
  private static final String CANARY = "zanzibar-7719";

  private static final class Lines extends AppenderBase<ILoggingEvent> {
    private final BlockingQueue<ILoggingEvent> events = new LinkedBlockingQueue<>();

    @Override
    protected void append(ILoggingEvent event) {
      events.add(event);
    }
  }

  @TempDir private Path folder;
  private final Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
  private final Logger own = (Logger) LoggerFactory.getLogger("io.kvasir");
  private final Logger pekko = (Logger) LoggerFactory.getLogger("org.apache.pekko");
  private final Lines lines = new Lines();
  private ActorTestKit kit;
  private TestNode node;

  @BeforeEach
  void start() throws Exception {
    lines.start();
    root.detachAppender("CONSOLE");
    root.addAppender(lines);
    own.setLevel(Level.TRACE);
    pekko.setLevel(Level.DEBUG);
    kit = TestNode.newKit();
    node = TestNode.start(kit, "pekko.loglevel = DEBUG");
  }

  @AfterEach
  void stop() {
    node.close();
    kit.shutdownTestKit();
    own.setLevel(null);
    pekko.setLevel(null);
    root.detachAppender(lines);
  }

  private Map<String, Object> nextRequestLine() throws InterruptedException {
    ILoggingEvent event = lines.events.poll(20, TimeUnit.SECONDS);
    while (event != null && !event.getMessage().equals("request")) {
      assertNoCanary(event);
      event = lines.events.poll(20, TimeUnit.SECONDS);
    }
    assertNoCanary(event);
    return event.getKeyValuePairs().stream()
        .collect(Collectors.toMap(pair -> pair.key, pair -> pair.value));
  }

  private static void assertNoCanary(ILoggingEvent event) {
    String all =
        event.getFormattedMessage()
            + event.getKeyValuePairs()
            + (event.getThrowableProxy() == null ? "" : event.getThrowableProxy().getMessage());
    assertFalse(all.contains(CANARY), all);
  }

  @Test
  void shouldLogCountsAndOutcomeAndNeverText() throws Exception {
    node.answerWith(CANARY);
    String body = "{\"model\":\"fake\",\"prompt\":\"%s\",\"user\":\"%s\",\"max_tokens\":99%s}";
    assertEquals(
        200, node.post("/v1/completions", body.formatted(CANARY, CANARY, "")).statusCode());
    Map<String, Object> whole = nextRequestLine();
    assertEquals("stop", whole.get("outcome"));
    assertEquals(200, whole.get("status"));
    assertEquals("default", whole.get("tenant"));
    assertEquals("fake", whole.get("model"));
    assertEquals(CANARY.length(), whole.get("prompt_tokens"));
    assertEquals(3, whole.get("cached_tokens"));
    assertEquals(CANARY.length() + 1, whole.get("generated_tokens"));
    assertTrue(whole.get("request_id").toString().startsWith("req_"));
    assertTrue(whole.containsKey("queued_ms") && whole.containsKey("first_token_ms"));
    node.post("/v1/completions", body.formatted(CANARY, CANARY, ",\"stream\":true"));
    assertEquals("stop", nextRequestLine().get("outcome"));
    node.post("/v1/completions", body.formatted(CANARY, CANARY, ",\"" + CANARY + "\":1"));
    Map<String, Object> refused = nextRequestLine();
    assertEquals("unknown_field", refused.get("outcome"));
    assertEquals(400, refused.get("status"));
    node.post("/v1/completions", body.replace("fake", CANARY).formatted("x", "y", ""));
    assertEquals("", nextRequestLine().get("model"));
    node.post("/v1/completions", body.formatted(CANARY, CANARY, "") + CANARY);
    assertEquals("invalid_json", nextRequestLine().get("outcome"));
    try (RawHttp raw = new RawHttp(node)) {
      raw.send(
          "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
              + CANARY
              + "\u0000\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
              + CANARY);
      raw.response();
    }
    node.answerByHand();
    node.engine.forgetSubmitted();
    try (RawHttp raw = new RawHttp(node)) {
      raw.post("/v1/completions", "", body.formatted(CANARY, CANARY, "").getBytes());
      // A client that left before its body was read has made no request that could be told of.
      node.submitted();
    }
    assertEquals("client_gone", nextRequestLine().get("outcome"));
    lines.events.forEach(RequestRecordTest::assertNoCanary);
  }

  @Test
  void shouldLeaveAnEventForFlightRecorder() throws Exception {
    Path file = folder.resolve("requests.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("kvasir.Request");
      recording.start();
      node.answerByHand();
      var answer =
          node.http.sendAsync(
              node.request("/v1/completions")
                  .header("x-request-id", "mine")
                  .POST(
                      java.net.http.HttpRequest.BodyPublishers.ofString(
                          "{\"model\":\"fake\",\"prompt\":\"" + CANARY + "\",\"max_tokens\":2}"))
                  .build(),
              java.net.http.HttpResponse.BodyHandlers.ofString());
      GenerationRequest request = node.submitted();
      node.engine.publish(request, 'a', 'b');
      node.engine.finish(request, FinishReason.LENGTH, 4, null);
      assertEquals(200, answer.get(20, TimeUnit.SECONDS).statusCode());
      recording.stop();
      recording.dump(file);
    }
    assertTrue(Files.size(file) > 0);
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertEquals(1, events.size());
    RecordedEvent event = events.getFirst();
    assertEquals("mine", event.getString("requestId"));
    assertEquals("default", event.getString("tenant"));
    assertEquals("fake", event.getString("model"));
    assertEquals("length", event.getString("outcome"));
    assertEquals(CANARY.length(), event.getInt("promptTokens"));
    assertEquals(4, event.getInt("cachedTokens"));
    assertEquals(2, event.getInt("generatedTokens"));
    assertTrue(event.getDuration().toNanos() > 0);
  }
}
