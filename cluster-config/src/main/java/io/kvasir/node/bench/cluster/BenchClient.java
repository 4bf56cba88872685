package io.kvasir.node.bench.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.IntConsumer;

/** An OpenAI client that reads streams token by token, and a client of admin routes. Any thread. */
final class BenchClient implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration LIMIT = Duration.ofMinutes(2);
  private static final String DATA = "data: {";

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(LIMIT).build();

  /**
   * Streams an answer.
   *
   * @param path of the API, such as {@code /v1/completions}
   * @param onText told after each event with text how many have come
   * @throws IOException also when the stream has an error in it, or ends without usage
   */
  Streamed stream(URI gateway, String path, ObjectNode order, IntConsumer onText)
      throws IOException, InterruptedException {
    ObjectNode body = order.deepCopy();
    body.put("stream", true).putObject("stream_options").put("include_usage", true);
    HttpRequest request =
        HttpRequest.newBuilder(gateway.resolve(path))
            .timeout(LIMIT)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body)))
            .build();
    Streamed.Builder answer = new Streamed.Builder(System.nanoTime());
    HttpResponse<java.io.InputStream> response =
        http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
      if (response.statusCode() != 200) {
        throw new IOException(
            "%s answered %d: %s".formatted(path, response.statusCode(), lines.readLine()));
      }
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith(DATA)) {
          long nowNs = System.nanoTime();
          int before = answer.events();
          answer.take(JSON.readTree(line.substring(DATA.length() - 1)), nowNs);
          if (answer.events() > before) {
            onText.accept(answer.events());
          }
        }
      }
    }
    return answer.build(System.nanoTime());
  }

  /** GET of a JSON document. */
  JsonNode get(URI base, String path) throws IOException, InterruptedException {
    return JSON.readTree(send(HttpRequest.newBuilder(base.resolve(path)).GET(), path));
  }

  /** GET of text. */
  String text(URI base, String path) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(base.resolve(path)).GET(), path);
  }

  /** POST without a body. */
  JsonNode post(URI base, String path) throws IOException, InterruptedException {
    return JSON.readTree(
        send(HttpRequest.newBuilder(base.resolve(path)).POST(BodyPublishers.noBody()), path));
  }

  private String send(HttpRequest.Builder request, String path)
      throws IOException, InterruptedException {
    HttpResponse<String> response =
        http.send(request.timeout(LIMIT).build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(
          "%s answered %d: %s".formatted(path, response.statusCode(), response.body().strip()));
    }
    return response.body();
  }

  @Override
  public void close() {
    // A stream that a failure left half read would be waited for.
    http.shutdownNow();
  }
}
