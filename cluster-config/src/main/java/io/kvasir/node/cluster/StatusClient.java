package io.kvasir.node.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/** Asks a node's admin routes and shows the answer as a table. Any thread; blocks. */
public final class StatusClient {
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final Duration ACTION_LIMIT = Duration.ofMinutes(5);
  private static final List<String> HEAD =
      List.of("NODE", "STATUS", "ROLES", "MODELS", "BLOCKS", "VERSION", "ADDRESS");

  private StatusClient() {}

  /**
   * The document of {@code GET /kvasir/cluster}.
   *
   * @throws IOException with one sentence when the node does not answer
   */
  public static JsonNode get(URI url) throws IOException, InterruptedException {
    return ask(url, "/kvasir/cluster", HttpRequest.newBuilder().timeout(LIMIT));
  }

  /**
   * Has a node do something, which may take minutes.
   *
   * @param action path of the admin route
   * @throws IOException with one sentence when the node does not answer, or refuses
   */
  public static JsonNode post(URI url, String action) throws IOException, InterruptedException {
    return ask(
        url,
        action,
        HttpRequest.newBuilder().timeout(ACTION_LIMIT).POST(HttpRequest.BodyPublishers.noBody()));
  }

  private static JsonNode ask(URI url, String route, HttpRequest.Builder request)
      throws IOException, InterruptedException {
    URI path = url.resolve(route);
    try (HttpClient http = HttpClient.newBuilder().connectTimeout(LIMIT).build()) {
      HttpResponse<String> response =
          http.send(request.uri(path).build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IOException(
            "%s answered %d (%s); name the admin address that a node prints"
                .formatted(path, response.statusCode(), response.body().strip()));
      }
      return new ObjectMapper().readTree(response.body());
    } catch (ConnectException refused) {
      throw new IOException(
          "nothing listens at %s; name the admin address that a node prints with --url"
              .formatted(url),
          refused);
    }
  }

  /** Lines of a table. */
  public static List<String> table(JsonNode status) {
    List<List<String>> rows = new ArrayList<>(List.of(HEAD));
    for (JsonNode member : status.path("members")) {
      String state = member.path("status").asText();
      rows.add(
          List.of(
              member.path("name").asText("?"),
              member.path("reachable").asBoolean() ? state : state + ", unreachable",
              words(member.path("roles")),
              words(member.path("models")),
              blocks(member.path("blocks")),
              member.path("appVersion").asText(),
              member.path("address").asText()));
    }
    List<String> lines = columns(rows);
    lines.add("as seen by " + status.path("self").asText());
    return lines;
  }

  /** Rows of equal length, the first of them their head, below each other. */
  public static List<String> columns(List<List<String>> rows) {
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(row.get(i)).repeat(' ', widths[i] - row.get(i).length() + 2);
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  private static String words(JsonNode array) {
    StringJoiner words = new StringJoiner(" ");
    array.forEach(one -> words.add(one.asText()));
    return words.length() == 0 ? "-" : words.toString();
  }

  private static String blocks(JsonNode tiers) {
    StringJoiner words = new StringJoiner(" ");
    tiers.properties().forEach(tier -> words.add(tier.getKey() + ":" + tier.getValue().asLong()));
    return words.length() == 0 ? "-" : words.toString();
  }
}
