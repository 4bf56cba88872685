package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.api.Kvasir;
import io.kvasir.actors.api.KvasirServer;
import io.kvasir.actors.api.ModelSource;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.FakeEngine;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationRequest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;

/** A node over {@link FakeEngine}, and an HTTP client for it. */
final class TestNode implements AutoCloseable {
  static final ObjectMapper JSON = new ObjectMapper();

  final FakeEngine engine;
  final KvasirServer server;
  final HttpClient http = HttpClient.newHttpClient();

  private TestNode(FakeEngine engine, KvasirServer server) {
    this.engine = engine;
    this.server = server;
  }

  static ActorTestKit newKit() {
    return ActorTestKit.create("test", config(""));
  }

  static Config config(String overrides) {
    return ConfigFactory.parseString(overrides)
        .withFallback(
            ConfigFactory.parseString(
                """
                kvasir.runtime.served-name = fake
                kvasir.actors.gateway { port = 0, stop-timeout = 100 ms, max-body = 64 KiB }
                pekko.actor.default-dispatcher.fork-join-executor.minimum-runnable = -1
                """))
        .withFallback(ConfigFactory.load());
  }

  static TestNode start(ActorTestKit kit, String overrides) throws Exception {
    return start(kit, overrides, new FakeEngine(1000));
  }

  static TestNode start(ActorTestKit kit, String overrides, FakeEngine engine) throws Exception {
    TestNode node = start(kit, overrides, engine, source(engine));
    node.server.ready().toCompletableFuture().get(20, TimeUnit.SECONDS);
    return node;
  }

  static TestNode start(ActorTestKit kit, String overrides, FakeEngine engine, ModelSource source)
      throws Exception {
    KvasirSettings settings = KvasirSettings.from(config(overrides));
    List<Example> examples = List.of(new Example("Title", "Document.", List.of("Question?")));
    KvasirServer server =
        Kvasir.start(kit.system(), settings, source, examples)
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
    return new TestNode(engine, server);
  }

  static ModelSource source(GenerationEngine engine) {
    return new ModelSource() {
      @Override
      public ModelText openText() {
        return new ByteText();
      }

      @Override
      public GenerationEngine openEngine() {
        return engine;
      }
    };
  }

  /** Every request is answered with this text and ends by itself. */
  void answerWith(String text) {
    engine.answerWith(
        request -> {
          int[] tokens = ByteText.tokens(text);
          int max = request.sampling().maxTokens();
          for (int i = 0; i < Math.min(tokens.length, max); i++) {
            engine.publish(request, tokens[i]);
          }
          if (tokens.length < max) {
            engine.publish(request, ByteText.END);
          }
          engine.finish(
              request, tokens.length < max ? FinishReason.STOP : FinishReason.LENGTH, 3, null);
        });
  }

  /** Tests decide per request. */
  void answerByHand() {
    engine.answerWith(request -> {});
  }

  GenerationRequest submitted() throws InterruptedException {
    return engine.nextSubmitted();
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Duration.ofSeconds(20));
  }

  HttpResponse<String> get(String path) throws Exception {
    return http.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
  }

  HttpResponse<String> post(String path, String body) throws Exception {
    return http.send(
        request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  HttpResponse<String> chat(String fields) throws Exception {
    return post("/v1/chat/completions", chatBody(fields));
  }

  static String chatBody(String fields) {
    return """
    {"model":"fake","messages":[{"role":"user","content":"hi"}]%s}\
    """
        .formatted(fields.isEmpty() ? "" : "," + fields);
  }

  HttpResponse<String> complete(String fields) throws Exception {
    return post(
        "/v1/completions",
        """
        {"model":"fake","prompt":"hi"%s}\
        """
            .formatted(fields.isEmpty() ? "" : "," + fields));
  }

  /** The data of every event, the last being {@code [DONE]}. */
  static List<String> events(String body) {
    List<String> events = new ArrayList<>();
    for (String event : body.split("\n\n")) {
      if (event.startsWith("data: ")) {
        events.add(event.substring("data: ".length()));
      } else if (!event.startsWith(":")) {
        throw new AssertionError("not an event: " + event);
      }
    }
    return events;
  }

  static JsonNode json(String text) throws Exception {
    return JSON.readTree(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    server.stop().toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
    http.close();
  }
}
