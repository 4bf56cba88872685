package io.kvasir.node.page;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Chromium's DevTools protocol: a JSON command over a WebSocket, its result by id. Events are
 * dropped: tests ask the page itself. Calls come from one thread at a time.
 */
final class DevTools implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long ANSWER_SECONDS = 120;

  private final Map<Integer, CompletableFuture<JsonNode>> pending = new ConcurrentHashMap<>();
  private final AtomicInteger ids = new AtomicInteger();
  private final HttpClient http = HttpClient.newHttpClient();
  private final WebSocket socket;

  DevTools(URI address) {
    socket = http.newWebSocketBuilder().buildAsync(address, new Answers()).join();
  }

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  /**
   * Sends a command and waits for its result.
   *
   * @param session of a target, or null for the browser itself
   * @throws IOException with Chromium's message when it refuses
   */
  JsonNode call(String session, String method, ObjectNode parameters) throws IOException {
    int id = ids.incrementAndGet();
    ObjectNode command = object().put("id", id).put("method", method);
    command.set("params", parameters);
    if (session != null) {
      command.put("sessionId", session);
    }
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    pending.put(id, answer);
    try {
      socket.sendText(command.toString(), true).join();
      JsonNode message = answer.get(ANSWER_SECONDS, TimeUnit.SECONDS);
      if (message.has("error")) {
        throw new IOException(method + ": " + message.path("error"));
      }
      return message.path("result");
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IOException(method + " was interrupted", interrupted);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new IOException(method + " had no answer within " + ANSWER_SECONDS + " s", e);
    } finally {
      pending.remove(id);
    }
  }

  @Override
  public void close() {
    socket.abort();
    http.shutdownNow();
  }

  /** Puts fragments together and completes the call that waits. */
  private final class Answers implements WebSocket.Listener {
    private final StringBuilder message = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      message.append(part);
      if (last) {
        answered(message.toString());
        message.setLength(0);
      }
      from.request(1);
      return null;
    }

    private void answered(String text) {
      try {
        JsonNode document = JSON.readTree(text);
        CompletableFuture<JsonNode> waiting = pending.get(document.path("id").asInt());
        if (waiting != null) {
          waiting.complete(document);
        }
      } catch (IOException malformed) {
        onError(socket, malformed);
      }
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int status, String reason) {
      onError(from, new IOException("Chromium closed the connection: " + status + " " + reason));
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable failure) {
      pending.values().forEach(waiting -> waiting.completeExceptionally(failure));
    }
  }
}
