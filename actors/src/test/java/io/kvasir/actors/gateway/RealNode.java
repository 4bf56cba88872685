package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.Config;
import io.kvasir.actors.api.Kvasir;
import io.kvasir.actors.api.KvasirServer;
import io.kvasir.actors.settings.KvasirSettings;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;

/** A node over real engines of small models, and an HTTP client for it. */
final class RealNode implements AutoCloseable {
  static final String FACTBOOK = "embedded:factbook";

  private static final String TINY =
      """
      {"model_type": "llama", "vocab_size": 1024, "hidden_size": 64, "intermediate_size": 128,
       "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
       "head_dim": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 256, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
      """;

  final KvasirServer server;
  final HttpClient http = HttpClient.newHttpClient();

  private RealNode(KvasirServer server) {
    this.server = server;
  }

  /** Location of a model of random weights: hidden size 64, context 256. */
  static String tiny(Path folder) throws IOException {
    return "dummy:" + Files.writeString(folder.resolve("config.json"), TINY);
  }

  /** Listens; models may still be loading. */
  static RealNode start(ActorTestKit kit, String overrides) throws Exception {
    Config config =
        TestNode.config(
            overrides
                + """

                kvasir.runtime { served-name = "", warm-up = 0 s, threads = 2, engine.arena = 16 MiB }
                """);
    return new RealNode(
        Kvasir.start(kit.system(), KvasirSettings.from(config))
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS));
  }

  static RealNode startReady(ActorTestKit kit, String overrides) throws Exception {
    RealNode node = start(kit, overrides);
    node.server.ready().toCompletableFuture().get(60, TimeUnit.SECONDS);
    return node;
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Duration.ofSeconds(60));
  }

  HttpResponse<String> get(String path) throws Exception {
    return http.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
  }

  CompletableFuture<HttpResponse<String>> send(String path, String body) {
    return http.sendAsync(
        request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  HttpResponse<String> post(String path, String body) throws Exception {
    return send(path, body).get(60, TimeUnit.SECONDS);
  }

  /** The answer, which must be a 200. */
  JsonNode ask(String path, String body) throws Exception {
    HttpResponse<String> response = post(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return TestNode.json(response.body());
  }

  JsonNode ask(String path) throws Exception {
    HttpResponse<String> response = get(path);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return TestNode.json(response.body());
  }

  @Override
  public void close() {
    server.stop().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
    http.close();
  }
}
