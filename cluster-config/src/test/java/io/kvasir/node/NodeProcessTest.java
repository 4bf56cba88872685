package io.kvasir.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A launched node from its first request to SIGTERM. */
final class NodeProcessTest {
  private static final String CANARY = "xylophone-quartz-7431";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private static HttpRequest post(String url, String key, String fields) {
    return HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
        .header("Authorization", "Bearer " + key)
        .POST(
            HttpRequest.BodyPublishers.ofString(
                "{\"model\":\"tiny\",\"prompt\":\"" + CANARY + "\"," + fields + "}"))
        .build();
  }

  @Test
  void shouldEndRunningAnswersOnSigtermAndLogThemAsJsonWithoutTheirText() throws Exception {
    Path model = Files.writeString(folder.resolve("config.json"), KvasirCommandTest.TINY);
    String[] key = NodeProcess.createKey("acme");
    Path config =
        Files.writeString(
            folder.resolve("own.conf"),
            key[1]
                + "\nkvasir.node.log-format = json\n"
                + "kvasir.actors.gateway.stop-timeout = 200 ms\n");
    try (HttpClient http = HttpClient.newHttpClient();
        NodeProcess node =
            NodeProcess.serve(
                folder,
                "--config",
                config.toString(),
                "--model",
                "dummy:" + model,
                "--name",
                "tiny",
                "--port",
                "0",
                "--max-context",
                "100000")) {
      HttpResponse<String> whole =
          http.send(
              post(node.url(), key[0], "\"max_tokens\":5"), HttpResponse.BodyHandlers.ofString());
      assertEquals(200, whole.statusCode(), whole.body());
      assertEquals(
          401,
          http.send(post(node.url(), "no-key", "\"n\":1"), HttpResponse.BodyHandlers.ofString())
              .statusCode());
      HttpResponse<Stream<String>> streamed =
          http.send(
              post(node.url(), key[0], "\"max_tokens\":200,\"min_tokens\":200,\"stream\":true"),
              HttpResponse.BodyHandlers.ofLines());
      Iterator<String> lines = streamed.body().iterator();
      assertTrue(lines.next().startsWith("data: "));
      node.terminate();
      String last = "";
      while (lines.hasNext()) {
        String line = lines.next();
        last = line.isEmpty() ? last : line;
      }
      // Whole, or cut with an error of its own: never just a broken connection.
      assertEquals("data: [DONE]", last);
      assertLog(node.awaitEnd(), key[0]);
    }
  }

  private static void assertLog(String log, String key) throws Exception {
    assertFalse(log.contains(CANARY), log);
    assertFalse(log.contains(key), log);
    int requests = 0;
    for (String line : log.lines().toList()) {
      if (!line.startsWith("{")) {
        // The JVM's own words before logging begins.
        assertTrue(line.startsWith("WARNING: "), line);
        continue;
      }
      JsonNode record = JSON.readTree(line);
      assertTrue(record.hasNonNull("time") && record.hasNonNull("level"), line);
      if (record.path("message").asText().equals("request")) {
        requests++;
        assertEquals("acme", record.path("tenant").asText(), line);
        assertEquals("tiny", record.path("model").asText(), line);
        assertTrue(record.path("request_id").asText().startsWith("req_"), line);
        assertTrue(record.path("prompt_tokens").asInt() > 0, line);
        assertTrue(record.path("generated_tokens").asInt() > 0, line);
        assertTrue(record.path("total_ms").asDouble() > 0, line);
      }
    }
    assertEquals(2, requests, log);
  }
}
