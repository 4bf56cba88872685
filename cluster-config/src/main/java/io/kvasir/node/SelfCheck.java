package io.kvasir.node;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.actors.api.KvasirServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/**
 * Asks a node of this process what a client would, streamed and whole. A node with tenants is asked
 * with the key in the environment's {@value #KEY}.
 */
final class SelfCheck {
  private static final Duration TIMEOUT = Duration.ofMinutes(5);
  private static final int TOKENS = 8;
  private static final String KEY = "KVASIR_API_KEY";

  private SelfCheck() {}

  /**
   * Runs the requests.
   *
   * @return one line for the terminal
   * @throws IllegalStateException with the node's answer when it was not 200
   */
  static String run(KvasirServer server) {
    if (server.url().startsWith("https:")) {
      throw new IllegalStateException(
          "--check speaks plain HTTP and the node speaks HTTPS, leave kvasir.actors.gateway.tls out"
              + " while checking");
    }
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (String path : new String[] {"/", "/health/ready", "/v1/models", "/metrics"}) {
        send(http, request(server, path).build());
      }
      send(http, completion(server, false));
      String events = send(http, completion(server, true));
      return "checked: " + events.split("data: ").length + " events streamed";
    } catch (IOException failure) {
      throw new IllegalStateException("the node did not answer: " + failure.getMessage(), failure);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while checking", interrupted);
    }
  }

  private static HttpRequest completion(KvasirServer server, boolean stream) {
    ObjectNode body = new ObjectMapper().createObjectNode();
    body.put("model", server.modelName()).put("stream", stream).put("max_tokens", TOKENS);
    body.put("prompt", "Hello");
    return request(server, "/v1/completions")
        .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
        .build();
  }

  private static HttpRequest.Builder request(KvasirServer server, String path) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(TIMEOUT);
    String key = System.getenv(KEY);
    return key == null ? request : request.header("Authorization", "Bearer " + key);
  }

  private static String send(HttpClient http, HttpRequest request)
      throws IOException, InterruptedException {
    HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() == 401) {
      throw new IllegalStateException(
          "the node wants an API key to check itself, set " + KEY + " to one of its keys");
    }
    if (response.statusCode() != 200) {
      throw new IllegalStateException(
          request.uri().getPath() + " answered " + response.statusCode() + ": " + response.body());
    }
    return response.body();
  }
}
