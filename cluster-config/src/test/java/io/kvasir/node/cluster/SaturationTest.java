package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.node.KvasirCommand;
import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Five nodes that have more to do than the machine can: nobody may take a busy node for a dead one
 * with the shipped times. That they would say so is shown at the end, by a node that stands still.
 */
@ExtendWith(ProcessExtension.class)
final class SaturationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration BOUND = Duration.ofMinutes(3);
  private static final int NODES = 5;

  /** Far more than four devices take at once on any machine that runs this. */
  private static final int CLIENTS = 64;

  private static final String SUSPICION = "is unreachable";

  @Test
  @Tag("slow")
  @Timeout(value = 30, unit = TimeUnit.MINUTES)
  void shouldSuspectNobodyForTenMinutesOfOverload(ProcessFixture processes) throws Exception {
    overload(processes, Duration.ofMinutes(10));
  }

  private static void overload(ProcessFixture processes, Duration length) throws Exception {
    ChildProcess demo =
        processes.start(
            JvmSpec.of("demo", KvasirCommand.class, "demo", "--port", "0", "--nodes", "" + NODES));
    String url = demo.awaitLine("OpenAI API:\\s+(\\S+)/v1", BOUND).group(1);
    URI admin = URI.create(demo.awaitLine("cluster status --url (\\S+)", BOUND).group(1));
    long before = suspicions(demo);
    long answers = 0;
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();
        HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest models = HttpRequest.newBuilder(URI.create(url + "/v1/models")).build();
      String listed = http.send(models, HttpResponse.BodyHandlers.ofString()).body();
      String model = JSON.readTree(listed).path("data").path(0).path("id").asText();
      long endNs = System.nanoTime() + length.toNanos();
      List<Future<Long>> running = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        int client = i;
        Callable<Long> asking = () -> ask(http, url, model, client, endNs);
        running.add(clients.submit(asking));
      }
      for (Future<Long> each : running) {
        answers += each.get();
      }
    }
    System.out.println("answers under overload: " + answers);
    assertTrue(answers > CLIENTS, "only " + answers + " answers");
    assertEquals(before, suspicions(demo), () -> "a busy node was suspected\n" + demo.lastWords());
    int reachable = 0;
    for (JsonNode member : StatusClient.get(admin).path("members")) {
      reachable += member.path("reachable").asBoolean() ? 1 : 0;
    }
    assertEquals(NODES, reachable);
    ProcessHandle still =
        ProcessHandle.of(demo.pid()).orElseThrow().children().skip(1).findFirst().orElseThrow();
    signal(still, "STOP");
    TestTime.await(
        BOUND, () -> "a suspicion\n" + demo.lastWords(), () -> suspicions(demo) > before);
    signal(still, "CONT");
  }

  /** Asks until the time is over; answers that came. */
  private static long ask(HttpClient http, String url, String model, int client, long endNs)
      throws IOException, InterruptedException {
    long answers = 0;
    while (System.nanoTime() - endNs < 0) {
      ObjectNode body = JSON.createObjectNode();
      body.put("model", model).put("max_tokens", 64).put("ignore_eos", true);
      body.put("prompt", "Client " + client + " asks for answer " + answers + " .");
      HttpResponse<String> response =
          http.send(
              HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertEquals(200, response.statusCode(), response.body());
      answers++;
    }
    return answers;
  }

  private static long suspicions(ChildProcess demo) {
    return Stream.of(demo.stdout(), demo.stderr())
        .flatMap(SaturationTest::lines)
        .filter(line -> line.contains(SUSPICION))
        .count();
  }

  private static Stream<String> lines(Path file) {
    try {
      return Files.readString(file).lines();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void signal(ProcessHandle process, String name)
      throws IOException, InterruptedException {
    assertEquals(0, new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor());
  }
}
