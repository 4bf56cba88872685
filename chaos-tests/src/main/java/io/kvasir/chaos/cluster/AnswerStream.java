package io.kvasir.chaos.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** An answer of one choice on its way. Any thread. */
public final class AnswerStream implements AutoCloseable {
  private static final String DATA = "data: ";
  private static final String DONE = DATA + "[DONE]";

  private final Stream<String> lines;
  private final StringBuilder text = new StringBuilder();
  private final CompletableFuture<Answer> end = new CompletableFuture<>();
  private JsonNode usage;
  private int events;

  AnswerStream(Stream<String> lines, UnaryOperator<Answer> counted) {
    this.lines = lines;
    Thread.ofVirtual().start(() -> read(counted));
  }

  private void read(UnaryOperator<Answer> counted) {
    try {
      boolean[] done = new boolean[1];
      lines.forEach(
          line -> {
            done[0] |= line.equals(DONE);
            if (line.startsWith(DATA) && !line.equals(DONE)) {
              take(line.substring(DATA.length()));
            }
          });
      if (!done[0] || usage == null) {
        throw new IllegalStateException("the stream broke off behind: " + text());
      }
      end.complete(
          counted.apply(Answer.of(List.of(text()), usage, ApiClient.JSON.createObjectNode())));
    } catch (RuntimeException broken) {
      end.completeExceptionally(broken);
    }
  }

  private synchronized void take(String data) {
    JsonNode event;
    try {
      event = ApiClient.JSON.readTree(data);
    } catch (IOException unreadable) {
      throw new IllegalStateException("an event is no JSON: " + data, unreadable);
    }
    if (event.has("error")) {
      throw new IllegalStateException("the stream ended with an error: " + data);
    }
    for (JsonNode choice : event.path("choices")) {
      text.append(choice.path("text").asText());
      events++;
    }
    usage = event.path("usage").isObject() ? event.path("usage") : usage;
  }

  /** What has come so far. */
  public synchronized String text() {
    return text.toString();
  }

  /** Pieces that have come so far. */
  public synchronized int events() {
    return events;
  }

  /** Whether it has ended, well or not. */
  public boolean isOver() {
    return end.isDone();
  }

  /**
   * Waits for its end.
   *
   * @throws IllegalStateException when it broke off or ended with an error
   */
  public Answer whole() throws InterruptedException, TimeoutException {
    try {
      return end.get(3, TimeUnit.MINUTES);
    } catch (ExecutionException broken) {
      throw new IllegalStateException(broken.getCause().getMessage(), broken.getCause());
    }
  }

  /** Leaves, as a client that has lost interest. */
  @Override
  public void close() {
    lines.close();
  }
}
