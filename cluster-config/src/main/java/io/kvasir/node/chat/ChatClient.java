package io.kvasir.node.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * An OpenAI server from a chat's point of view. One thread asks; {@link #stop} may come from any
 * and closes the connection, which cancels the request on the server.
 */
public final class ChatClient implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
  private static final String DATA = "data: ";

  /**
   * What came.
   *
   * @param stopped by {@link #stop}: the text is what had come until then
   */
  record Answer(String text, ChatFigures figures, boolean stopped) {}

  /** One answer while it comes. */
  private static final class Progress {
    private final StringBuilder text = new StringBuilder();
    private final long beganNs = System.nanoTime();
    private JsonNode usage = MissingNode.getInstance();
    private int deltas;
    private double firstMs = Double.NaN;
    private double lastMs = Double.NaN;

    void text(String delta, Consumer<String> sink) {
      lastMs = (System.nanoTime() - beganNs) / 1e6;
      firstMs = deltas == 0 ? lastMs : firstMs;
      deltas++;
      text.append(delta);
      sink.accept(delta);
    }

    Answer end(boolean stopped) {
      return new Answer(text.toString(), ChatFigures.of(usage, deltas, firstMs, lastMs), stopped);
    }
  }

  private final HttpClient http =
      HttpClient.newBuilder()
          // Closing a connection is how an answer is cancelled; it must be this answer's own.
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_TIMEOUT)
          .build();
  private final String url;
  private final String key;
  private volatile boolean stopped;
  private volatile Runnable breakOff = () -> {};

  /**
   * @param url of the server, with or without {@code /v1}
   * @param key sent as bearer token, or null
   */
  public ChatClient(String url, String key) {
    String root = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    this.url = root.endsWith("/v1") ? root.substring(0, root.length() - 3) : root;
    this.key = key;
  }

  /** The first model that the server lists. */
  String firstModel() throws ChatException {
    JsonNode models = get("/v1/models").path("data");
    if (models.isEmpty()) {
      throw new ChatException(url + " lists no model for this key, name one with --model");
    }
    return models.path(0).path("id").asText();
  }

  /** Documents with questions that the server's model can answer; empty where it has none. */
  JsonNode examples() throws ChatException {
    return get("/kvasir/examples");
  }

  private JsonNode get(String path) throws ChatException {
    HttpResponse<InputStream> response = send(request(path).GET().build());
    return read(response);
  }

  /**
   * Asks and waits for the end of the answer.
   *
   * @param body of a chat completion; {@code stream} says how it comes
   * @param sink gets text as it comes, on this thread
   */
  Answer ask(ObjectNode body, Consumer<String> sink) throws ChatException {
    stopped = false;
    Progress progress = new Progress();
    HttpRequest request =
        request("/v1/chat/completions")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build();
    try {
      HttpResponse<InputStream> response = send(request);
      if (body.path("stream").asBoolean() && response.statusCode() == 200) {
        stream(response.body(), progress, sink);
      } else {
        JsonNode whole = read(response);
        progress.usage = whole.path("usage");
        progress.text(whole.at("/choices/0/message/content").asText(), sink);
        progress.firstMs = Double.NaN;
      }
    } catch (ChatException failure) {
      if (!stopped) {
        throw failure;
      }
    } finally {
      breakOff = () -> {};
    }
    return progress.end(stopped);
  }

  /** Breaks off the answer in progress, if there is one. */
  void stop() {
    stopped = true;
    breakOff.run();
  }

  private HttpRequest.Builder request(String path) throws ChatException {
    try {
      HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path));
      return key == null ? request : request.header("Authorization", "Bearer " + key);
    } catch (IllegalArgumentException wrong) {
      throw new ChatException(
          "--url=" + url + " is no address, give one like http://127.0.0.1:8080", wrong);
    }
  }

  private HttpResponse<InputStream> send(HttpRequest request) throws ChatException {
    CompletableFuture<HttpResponse<InputStream>> pending =
        http.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
    breakOff = () -> pending.cancel(true);
    if (stopped) {
      pending.cancel(true);
    }
    try {
      HttpResponse<InputStream> response = pending.get();
      breakOff = () -> close(response.body());
      return response;
    } catch (CancellationException cancelled) {
      throw new ChatException("stopped", cancelled);
    } catch (ExecutionException failure) {
      throw new ChatException(
          url + " cannot be reached, start a node there (kvasir serve) or give another --url",
          failure.getCause());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new ChatException("interrupted", interrupted);
    }
  }

  private static void close(InputStream body) {
    try {
      body.close();
    } catch (IOException gone) {
      // What was to be closed is closed.
    }
  }

  private JsonNode read(HttpResponse<InputStream> response) throws ChatException {
    try (InputStream body = response.body()) {
      byte[] bytes = body.readAllBytes();
      if (response.statusCode() != 200) {
        throw new ChatException(sentence(response.statusCode(), bytes));
      }
      return JSON.readTree(bytes);
    } catch (IOException broken) {
      throw new ChatException("the connection to " + url + " broke off", broken);
    }
  }

  private String sentence(int status, byte[] body) throws IOException {
    try {
      String message = JSON.readTree(body).path("error").path("message").asText();
      return message.isEmpty() ? url + " answered " + status : message;
    } catch (JsonProcessingException notOpenAi) {
      return url + " answered " + status + " and no JSON, is it an OpenAI server?";
    }
  }

  private void stream(InputStream body, Progress progress, Consumer<String> sink)
      throws ChatException {
    if (stopped) {
      close(body);
      return;
    }
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (stopped || line.equals(DATA + "[DONE]")) {
          return;
        }
        if (line.startsWith(DATA)) {
          event(JSON.readTree(line.substring(DATA.length())), progress, sink);
        }
      }
    } catch (IOException broken) {
      throw new ChatException("the connection to " + url + " broke off", broken);
    }
    if (!stopped) {
      throw new ChatException("the answer of " + url + " broke off before its end");
    }
  }

  private static void event(JsonNode event, Progress progress, Consumer<String> sink)
      throws ChatException {
    if (event.has("error")) {
      throw new ChatException(event.path("error").path("message").asText());
    }
    if (event.hasNonNull("usage")) {
      progress.usage = event.path("usage");
    }
    String delta = event.at("/choices/0/delta/content").asText("");
    if (!delta.isEmpty()) {
      progress.text(delta, sink);
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
