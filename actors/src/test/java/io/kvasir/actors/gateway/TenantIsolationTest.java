package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.api.CheckpointSource;
import io.kvasir.actors.api.Kvasir;
import io.kvasir.actors.api.KvasirServer;
import io.kvasir.actors.gateway.access.ApiKey;
import io.kvasir.actors.observe.PrometheusText;
import io.kvasir.actors.settings.KvasirSettings;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Law 6 from key to cache, with a real engine: what one tenant computed is nothing to another. */
final class TenantIsolationTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String MODEL =
      """
      {"model_type": "llama", "vocab_size": 512, "hidden_size": 32, "intermediate_size": 64,
       "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
       "head_dim": 16, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 512, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
      """;

  @TempDir private Path folder;

  private record Asked(int cached, String text) {}

  private static Asked ask(HttpClient http, KvasirServer server, ApiKey key) throws Exception {
    StringBuilder prompt = new StringBuilder();
    for (int i = 0; i < 200; i++) {
      prompt.append(i == 0 ? "" : ",").append(3 + i);
    }
    HttpResponse<String> response =
        http.send(
            HttpRequest.newBuilder(URI.create(server.url() + "/v1/completions"))
                .timeout(Duration.ofSeconds(60))
                .header("Authorization", "Bearer " + key.token())
                .POST(
                    HttpRequest.BodyPublishers.ofString(
                        "{\"model\":\"real\",\"temperature\":0,\"max_tokens\":4,\"prompt\":["
                            + prompt
                            + "]}"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response.body());
    JsonNode body = TestNode.json(response.body());
    return new Asked(
        body.path("usage").path("prompt_tokens_details").path("cached_tokens").asInt(),
        body.path("choices").path(0).path("text").asText());
  }

  @Test
  void shouldHitOnlyWhatTheSameTenantComputed() throws Exception {
    Path config = Files.writeString(folder.resolve("config.json"), MODEL);
    ApiKey acme = ApiKey.create(RANDOM);
    ApiKey second = ApiKey.create(RANDOM);
    ApiKey globex = ApiKey.create(RANDOM);
    KvasirSettings settings =
        KvasirSettings.from(
            TestNode.config(
                """
                kvasir.runtime { model = "dummy:%s", served-name = real, threads = 1, page-tokens = 16 }
                kvasir.runtime.engine.arena = 8 MiB
                kvasir.actors.gateway.access.tenants {
                  acme { keys = ["%s", "%s"] }
                  globex { keys = ["%s"] }
                }
                """
                    .formatted(
                        config,
                        acme.hash(RANDOM).line(),
                        second.hash(RANDOM).line(),
                        globex.hash(RANDOM).line())));
    ActorTestKit kit = TestNode.newKit();
    try (HttpClient http = HttpClient.newHttpClient()) {
      KvasirServer server =
          Kvasir.start(kit.system(), settings, new CheckpointSource(settings.runtime()), List.of())
              .toCompletableFuture()
              .get(60, TimeUnit.SECONDS);
      server.ready().toCompletableFuture().get(60, TimeUnit.SECONDS);
      Asked cold = ask(http, server, acme);
      assertEquals(0, cold.cached());
      assertEquals(new Asked(0, cold.text()), ask(http, server, globex));
      Asked warm = ask(http, server, acme);
      assertTrue(warm.cached() >= 176, "cached=" + warm.cached());
      assertEquals(cold.text(), warm.text());
      assertEquals(warm, ask(http, server, second));
      assertEquals(warm, ask(http, server, globex));
      PrometheusText metrics =
          PrometheusText.parse(
              http.send(
                      HttpRequest.newBuilder(URI.create(server.url() + "/metrics")).build(),
                      HttpResponse.BodyHandlers.ofString())
                  .body());
      assertEquals(1000, metrics.value("vllm:prefix_cache_queries_total"));
      assertEquals(3 * warm.cached(), metrics.value("vllm:prefix_cache_hits_total"));
      assertEquals(
          600, metrics.value("kvasir_tenant_tokens_total", "tenant", "acme", "kind", "prompt"));
      server.stop().toCompletableFuture().get(20, TimeUnit.SECONDS);
    } finally {
      kit.shutdownTestKit();
    }
  }
}
