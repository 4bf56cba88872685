package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.node.KvasirCommand;
import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessFixture;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** {@code kvasir demo} as a person starts it: three real JVMs, one of them killed, and its end. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class DemoClusterTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration START = Duration.ofMinutes(2);
  private static final Duration BOUND = Duration.ofMinutes(2);

  /** So many that the node that answers is killed long before the last. */
  private static final int TOKENS = 600;

  private static ProcessFixture processes;
  private static ChildProcess demo;
  private static HttpClient http;
  private static String url;
  private static URI admin;
  private static Map<String, URI> admins;

  @BeforeAll
  static void start() {
    processes = new ProcessFixture(Path.of("target", "processes", "DemoClusterTest"));
    http = HttpClient.newHttpClient();
    demo =
        processes.start(
            JvmSpec.of("demo", KvasirCommand.class, "demo", "--port", "0")
                // What is tested is who answers, not how fast.
                .withJvmFlags("-XX:+UseSerialGC", "-Dkvasir.runtime.warm-up=1s"));
    url = demo.awaitLine("OpenAI API:\\s+(\\S+)/v1", START).group(1);
    admin = URI.create(demo.awaitLine("cluster status --url (\\S+)", START).group(1));
    admins = new TreeMap<>();
    for (int i = 1; i <= 3; i++) {
      String line = "(node-" + i + ") admin (\\S+)";
      admins.put("node-" + i, URI.create(demo.awaitLine(line, START).group(2)));
    }
  }

  @AfterAll
  static void stop() {
    // A failed test may have left an answer half read, for which close() would wait.
    http.shutdownNow();
    processes.close();
  }

  private static ObjectNode question() throws IOException, InterruptedException {
    JsonNode example = JSON.readTree(get("/kvasir/examples")).path(0);
    ObjectNode body = JSON.createObjectNode();
    body.put("model", JSON.readTree(get("/v1/models")).path("data").path(0).path("id").asText());
    body.putArray("messages")
        .addObject()
        .put("role", "user")
        .put(
            "content",
            example.path("document").asText()
                + "\n\n"
                + example.path("questions").path(0).asText());
    return body.put("temperature", 0).put("seed", 7);
  }

  private static String get(String path) throws IOException, InterruptedException {
    return http.send(
            HttpRequest.newBuilder(URI.create(url + path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private static <T> HttpResponse<T> chat(ObjectNode body, HttpResponse.BodyHandler<T> handler)
      throws IOException, InterruptedException {
    return http.send(
        HttpRequest.newBuilder(URI.create(url + "/v1/chat/completions"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build(),
        handler);
  }

  private static JsonNode whole(ObjectNode body) throws IOException, InterruptedException {
    HttpResponse<String> response = chat(body, HttpResponse.BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response.body());
    return JSON.readTree(response.body());
  }

  private static String text(JsonNode answer) {
    return answer.path("choices").path(0).path("message").path("content").asText();
  }

  private static int upCount() {
    return upCount(admin);
  }

  /** Members that a node sees; 0 while it does not answer. */
  private static int upCount(URI node) {
    try {
      int up = 0;
      for (JsonNode member : StatusClient.get(node).path("members")) {
        boolean counts =
            member.path("status").asText().equals("Up")
                && member.path("reachable").asBoolean()
                && member.path("known").asBoolean();
        up += counts ? 1 : 0;
      }
      return up;
    } catch (IOException gone) {
      return 0;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }

  @Test
  @Order(1)
  void shouldAnswerFromAnotherJvmAndCountEveryPromptToken() throws Exception {
    assertEquals(3, upCount());
    JsonNode answer = whole(question().put("max_tokens", 16));
    assertFalse(text(answer).isBlank(), answer.toString());
    JsonNode usage = answer.path("usage");
    assertTrue(usage.path("prompt_tokens").asInt() > 0, answer.toString());
    StringWriter out = new StringWriter();
    StatusClient.table(StatusClient.get(admin)).forEach(new PrintWriter(out, true)::println);
    assertTrue(out.toString().contains("node-2"), out.toString());
    assertTrue(out.toString().contains("factbook"), out.toString());
  }

  private static HttpResponse<String> admin(String node, String method, String path)
      throws IOException, InterruptedException {
    return http.send(
        HttpRequest.newBuilder(admins.get(node).resolve(path))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static JsonNode tier(String node, String tier) throws IOException, InterruptedException {
    HttpResponse<String> response = admin(node, "GET", "/kvasir/memory");
    assertEquals(200, response.statusCode(), response.body());
    JsonNode memory = JSON.readTree(response.body());
    assertEquals(node, memory.path("node").asText());
    for (JsonNode one : memory.path("tiers")) {
      if (one.path("tier").asText().equals(tier)) {
        return one;
      }
    }
    throw new AssertionError("no tier " + tier + " in " + memory);
  }

  @Test
  @Order(2)
  void shouldAnswerOnTheNodeThatIsNamedAndLoadFromWhereItMay() throws Exception {
    ObjectNode order = question().put("max_tokens", 4);
    order.putObject("kvasir").put("node", "node-2");
    JsonNode first = whole(order);
    assertEquals("node-2", first.path("usage").path("kvasir").path("node").asText());
    TestTime.await(BOUND, () -> "blocks on the host of node-2", () -> blocks("node-2", "host") > 0);
    order.putObject("kvasir").put("node", "node-3");
    JsonNode elsewhere = whole(order);
    assertEquals("node-3", elsewhere.path("usage").path("kvasir").path("node").asText());
    assertEquals(text(first), text(elsewhere));
    HttpResponse<String> nobody =
        chat(
            question().<ObjectNode>set("kvasir", JSON.createObjectNode().put("node", "node-9")),
            HttpResponse.BodyHandlers.ofString());
    assertEquals(503, nobody.statusCode(), nobody.body());
    assertTrue(nobody.body().contains("node-9"), nobody.body());
  }

  private static int blocks(String node, String tier) {
    try {
      return tier(node, tier).path("blocks").asInt();
    } catch (IOException | InterruptedException failed) {
      throw new AssertionError(failed);
    }
  }

  @Test
  @Order(3)
  void shouldMeasureWhatLoadsCost() throws Exception {
    HttpResponse<String> response = admin("node-3", "POST", "/kvasir/calibrate");
    assertEquals(200, response.statusCode(), response.body());
    JsonNode measured = JSON.readTree(response.body());
    assertEquals("node-3", measured.path("node").asText());
    List<String> sources = new ArrayList<>();
    for (JsonNode source : measured.path("models").path(0).path("sources")) {
      assertTrue(source.path("samples").asInt() > 0, response.body());
      sources.add(source.path("source").asText() + " " + source.path("node").asText());
    }
    assertTrue(
        sources.containsAll(List.of("host node-3", "peer node-1", "peer node-2")), response.body());
  }

  @Test
  @Order(4)
  void shouldClearTheCachesOfANodeAndShowItsFigures() throws Exception {
    TestTime.await(
        BOUND,
        () -> "an idle node",
        () -> leases("node-2", "device") + leases("node-2", "host") == 0);
    JsonNode cleared =
        JSON.readTree(admin("node-2", "POST", "/kvasir/cache/clear?tiers=device,host").body());
    assertTrue(cleared.path("cleared").path("device").asInt() > 0, cleared.toString());
    assertTrue(cleared.path("cleared").path("host").asInt() > 0, cleared.toString());
    TestTime.await(
        BOUND,
        () -> "nothing cached",
        () -> blocks("node-2", "device") + blocks("node-2", "host") == 0);
    HttpResponse<String> unknown = admin("node-2", "POST", "/kvasir/cache/clear?tiers=attic");
    assertEquals(400, unknown.statusCode());
    assertTrue(unknown.body().contains("attic"), unknown.body());
    for (String node : admins.keySet()) {
      String metrics = admin(node, "GET", "/metrics").body();
      for (String name :
          List.of("kvasir_directory_lookups_total", "kvasir_sessions ", "kvasir_tier_blocks{")) {
        assertTrue(metrics.contains(name), () -> node + " has no " + name + " in " + metrics);
      }
    }
  }

  private static int leases(String node, String tier) {
    try {
      return tier(node, tier).path("leases").asInt() + tier(node, tier).path("inFlight").asInt();
    } catch (IOException | InterruptedException failed) {
      throw new AssertionError(failed);
    }
  }

  @Test
  @Order(5)
  void shouldGoOnWithTheSameTextWhenTheNodeThatAnswersIsKilled() throws Exception {
    ObjectNode order =
        question().put("max_tokens", TOKENS).put("min_tokens", TOKENS).put("ignore_eos", true);
    order.putObject("kvasir").put("explain", true);
    JsonNode first = whole(order.deepCopy());
    String expected = text(first);
    // What the first answer has left in its cache draws the second one there.
    String node = "";
    for (JsonNode route : first.path("kvasir").path("nodes")) {
      node = route.path("chosen").asBoolean() ? route.path("node").asText() : node;
    }
    assertTrue(node.matches("node-[23]"), first.toString());
    HttpResponse<Stream<String>> streamed =
        chat(order.put("stream", true), HttpResponse.BodyHandlers.ofLines());
    assertEquals(200, streamed.statusCode());
    StringBuilder got = new StringBuilder();
    boolean killed = false;
    for (Iterator<String> lines = streamed.body().iterator(); lines.hasNext(); ) {
      String line = lines.next();
      if (!line.startsWith("data: {")) {
        continue;
      }
      JsonNode event = JSON.readTree(line.substring("data: ".length()));
      assertFalse(event.has("error"), line);
      got.append(event.path("choices").path(0).path("delta").path("content").asText(""));
      if (!killed && !got.isEmpty()) {
        killed = true;
        kill(node);
      }
    }
    assertTrue(killed);
    assertEquals(expected, got.toString());
    // Its launcher starts it again. The others may take longer to see its end than it takes to be
    // there: it is asked itself.
    URI again = admins.get(node);
    TestTime.await(
        BOUND,
        () -> "three nodes again, not %d and %d".formatted(upCount(), upCount(again)),
        () -> upCount() == 3 && upCount(again) == 3);
    assertEquals(3, nodes().size());
  }

  private static void kill(String name) throws IOException {
    for (ProcessHandle child : nodes()) {
      String command = Files.readString(Path.of("/proc", Long.toString(child.pid()), "cmdline"));
      if (command.contains("cluster.name=" + name + "\0")) {
        child.destroyForcibly();
        return;
      }
    }
    throw new AssertionError("no process of " + name);
  }

  private static List<ProcessHandle> nodes() {
    return ProcessHandle.of(demo.pid()).orElseThrow().children().toList();
  }

  @Test
  @Order(6)
  void shouldLeaveNothingBehind() throws Exception {
    List<ProcessHandle> children = new ArrayList<>(nodes());
    assertEquals(3, children.size());
    demo.terminate();
    demo.awaitExit(BOUND);
    for (ProcessHandle child : children) {
      TestTime.await(BOUND, () -> "the end of " + child.pid(), () -> !child.isAlive());
    }
  }
}
