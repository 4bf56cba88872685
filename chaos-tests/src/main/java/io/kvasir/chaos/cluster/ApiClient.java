package io.kvasir.chaos.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** One tenant's client of the gateway. Any thread; calls block. */
public final class ApiClient {
  private static final Duration LIMIT = Duration.ofMinutes(3);

  static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http;
  private final URI url;
  private final String key;
  private final AtomicLong accounted;

  /** A request that was not answered with 200. */
  public static final class Refused extends IOException {
    private static final long serialVersionUID = 1;
    private final int status;

    Refused(int status, String body) {
      super(status + ": " + body.strip());
      this.status = status;
    }

    public int status() {
      return status;
    }
  }

  ApiClient(HttpClient http, URI url, String key, AtomicLong accounted) {
    this.http = http;
    this.url = url;
    this.key = key;
    this.accounted = accounted;
  }

  private HttpRequest request(String path, String body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url.resolve(path))
            .timeout(LIMIT)
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json");
    return body == null
        ? request.build()
        : request.POST(HttpRequest.BodyPublishers.ofString(body)).build();
  }

  /** The document at a path. */
  public JsonNode get(String path) throws IOException, InterruptedException {
    HttpResponse<String> response =
        http.send(request(path, null), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new Refused(response.statusCode(), response.body());
    }
    return JSON.readTree(response.body());
  }

  /** Id of the model that is served. */
  public String model() throws IOException, InterruptedException {
    return get("/v1/models").path("data").path(0).path("id").asText();
  }

  /**
   * Asks for a whole answer.
   *
   * @throws Refused when it is not given
   */
  public Answer ask(Question question) throws IOException, InterruptedException {
    HttpResponse<String> response =
        http.send(
            request("/v1/completions", question.body().toString()),
            HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new Refused(response.statusCode(), response.body());
    }
    JsonNode document = JSON.readTree(response.body());
    List<String> texts = new ArrayList<>();
    document.path("choices").forEach(choice -> texts.add(choice.path("text").asText()));
    return counted(Answer.of(texts, document.path("usage"), document.path("kvasir")));
  }

  private Answer counted(Answer answer) {
    accounted.incrementAndGet();
    return answer;
  }

  /**
   * Asks for a streamed answer, which is read by a thread of its own.
   *
   * @throws Refused when it is not given
   */
  public AnswerStream stream(Question question) throws IOException, InterruptedException {
    HttpResponse<Stream<String>> response =
        http.send(
            request("/v1/completions", question.streamed().body().toString()),
            HttpResponse.BodyHandlers.ofLines());
    if (response.statusCode() != 200) {
      try (Stream<String> lines = response.body()) {
        throw new Refused(response.statusCode(), String.join("\n", lines.toList()));
      }
    }
    return new AnswerStream(response.body(), this::counted);
  }
}
