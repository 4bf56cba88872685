package io.kvasir.node.bench.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;

/**
 * A streamed answer as its client saw it. Immutable.
 *
 * @param text of the one choice, joined
 * @param firstTextMs from before the request was sent to the first event with text
 * @param longestGapMs between two events with text
 * @param totalMs to the end of the stream
 * @param usage the accounting
 */
record Streamed(
    String text, double firstTextMs, double longestGapMs, double totalMs, Sources usage) {

  /**
   * {@code usage.kvasir}: where each token of the prompt came from.
   *
   * @param attempts nodes that worked on it
   * @param misses why tokens were computed that somebody might have had, as the answer says
   */
  record Sources(
      int prompt,
      int device,
      int host,
      int peer,
      int other,
      int recomputed,
      int replayed,
      String node,
      int attempts,
      String misses) {
    /** Reads {@code usage} of an answer. */
    static Sources of(JsonNode usage) {
      JsonNode own = usage.path("kvasir");
      return new Sources(
          usage.path("prompt_tokens").asInt(),
          own.path("device_hit_tokens").asInt(),
          own.path("host_tokens").asInt(),
          own.path("peer_tokens").asInt(),
          own.path("disk_tokens").asInt()
              + own.path("remote_tokens").asInt()
              + own.path("reused_tokens").asInt(),
          own.path("recomputed_tokens").asInt(),
          own.path("replayed_tokens").asInt(),
          own.path("node").asText(""),
          own.path("attempts").asInt(),
          own.path("misses").toString());
    }

    /** The identity that must always hold. */
    boolean addsUp() {
      return prompt == device + host + peer + other + recomputed;
    }
  }

  /** Collects events. One thread. */
  static final class Builder {
    private final long sentNs;
    private final StringBuilder text = new StringBuilder();
    private int events;
    private long firstNs;
    private long lastNs;
    private long longestGapNs;
    private JsonNode usage;

    Builder(long sentNs) {
      this.sentNs = sentNs;
    }

    /** Events with text so far. */
    int events() {
      return events;
    }

    void take(JsonNode event, long nowNs) throws IOException {
      if (event.has("error")) {
        throw new IOException("the stream ends with " + event.path("error"));
      }
      if (event.path("usage").isObject()) {
        usage = event.path("usage");
      }
      JsonNode choice = event.path("choices").path(0);
      String piece =
          choice.has("delta")
              ? choice.path("delta").path("content").asText("")
              : choice.path("text").asText("");
      if (piece.isEmpty()) {
        return;
      }
      text.append(piece);
      if (events++ == 0) {
        firstNs = nowNs;
      } else {
        longestGapNs = Math.max(longestGapNs, nowNs - lastNs);
      }
      lastNs = nowNs;
    }

    Streamed build(long endNs) throws IOException {
      if (usage == null || events == 0) {
        throw new IOException(
            "the stream ended after %d events with text and %s usage"
                .formatted(events, usage == null ? "without" : "with"));
      }
      return new Streamed(
          text.toString(),
          (firstNs - sentNs) / 1e6,
          longestGapNs / 1e6,
          (endNs - sentNs) / 1e6,
          Sources.of(usage));
    }
  }
}
