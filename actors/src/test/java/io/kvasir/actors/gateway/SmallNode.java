package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.api.Kvasir;
import io.kvasir.actors.api.KvasirServer;
import io.kvasir.actors.gateway.access.ApiKey;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.GenerationEngine;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;

/**
 * A whole node with a real engine: a tiny Llama with random weights whose tokens are bytes (byte b
 * is token 3 + b), so that any text can be spelled and most answers are nonsense. Byte ids of a
 * text are its prompt tokens, after token 1, the beginning.
 */
final class SmallNode implements AutoCloseable {
  static final String MODEL = "small";
  static final int FIRST_BYTE = 3;
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String CONFIG =
      """
      {"model_type": "llama", "vocab_size": 259, "hidden_size": 32, "intermediate_size": 64,
       "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
       "head_dim": 16, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 2048, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
      """;

  final KvasirServer server;
  final GenerationEngine engine;
  final HttpClient http = HttpClient.newHttpClient();
  final String key;

  private SmallNode(KvasirServer server, GenerationEngine engine, String key) {
    this.server = server;
    this.engine = engine;
    this.key = key;
  }

  /**
   * @param withKey whether clients need {@link #key}
   */
  static SmallNode start(ActorTestKit kit, Path folder, String overrides, boolean withKey)
      throws Exception {
    Path config = folder.resolve("config.json");
    write(config);
    ApiKey key = ApiKey.create(RANDOM);
    String all =
        """
        kvasir.runtime { model = "dummy:%s", served-name = small, warm-up = 0 s, threads = 1 }
        kvasir.runtime.engine.arena = 67108864
        """
                .formatted(config)
            + (withKey
                ? "kvasir.actors.gateway.access.tenants.someone.keys = [\"%s\"]\n"
                    .formatted(key.hash(RANDOM).line())
                : "")
            + overrides;
    KvasirServer server =
        Kvasir.start(kit.system(), KvasirSettings.from(TestNode.config(all)))
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS);
    GenerationEngine engine =
        server.ready().toCompletableFuture().get(60, TimeUnit.SECONDS).engine();
    return new SmallNode(server, engine, key.token());
  }

  private static void write(Path config) throws IOException {
    Files.writeString(config, CONFIG);
  }

  HttpRequest post(String path, String body) {
    return HttpRequest.newBuilder(URI.create(server.url() + path))
        .timeout(Duration.ofSeconds(60))
        .header("Authorization", "Bearer " + key)
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  HttpResponse<String> send(String path, String body) throws Exception {
    return http.send(post(path, body), HttpResponse.BodyHandlers.ofString());
  }

  /** A text completion of {@code ab} that must succeed; {@code fields} may name another prompt. */
  JsonNode complete(String fields) throws Exception {
    String prompt = fields.contains("\"prompt\"") ? "" : "\"prompt\":\"ab\",";
    return answer("/v1/completions", "{\"model\":\"small\"," + prompt + fields + "}");
  }

  JsonNode chat(String fields) throws Exception {
    return answer("/v1/chat/completions", chatBody(fields));
  }

  static String chatBody(String fields) {
    return "{\"model\":\"small\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
        + fields
        + "}";
  }

  private JsonNode answer(String path, String body) throws Exception {
    HttpResponse<String> response = send(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(body + " was answered by " + response.body());
    }
    return TestNode.json(response.body());
  }

  /** Waits until the engine has nothing to do, and tells what it then holds. */
  EngineStats settled() {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    EngineStats stats = engine.stats();
    while (stats.leases() + stats.running() + stats.waiting() > 0
        && System.nanoTime() < deadlineNs) {
      Thread.onSpinWait();
      stats = engine.stats();
    }
    return stats;
  }

  @Override
  public void close() {
    server.stop().toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
    http.close();
  }
}
