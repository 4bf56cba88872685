package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.node.KvasirCommand;
import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.FreePorts;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two JVMs that know nothing of each other but a name become one cluster, and one answers for the
 * other: found by DNS, and by the API server of Kubernetes.
 */
@ExtendWith(ProcessExtension.class)
final class DiscoveryTest {
  private static final Duration BOUND = Duration.ofMinutes(1);
  private static final String BOOTSTRAP =
      "pekko.management.cluster.bootstrap.contact-point-discovery";

  @TempDir private static Path certificates;

  @BeforeAll
  static void issue() throws Exception {
    CertificateFolder folder = new CertificateFolder(certificates);
    folder.createAuthority(Duration.ofDays(1));
    folder.issue("node", List.of("127.0.0.1"), Duration.ofDays(1));
  }

  private static ChildProcess node(
      ProcessFixture processes,
      String name,
      String profile,
      int adminPort,
      Map<String, String> environment,
      List<String> settings) {
    List<String> arguments = new ArrayList<>(List.of("node", "--profile", profile));
    List<String> all = new ArrayList<>(settings);
    all.add("kvasir.actors.cluster.name=" + name);
    all.add("kvasir.runtime.model=embedded:factbook");
    all.add("kvasir.runtime.warm-up=0");
    all.add("kvasir.runtime.engine.arena=64 MiB");
    all.add("kvasir.actors.tier.host-bytes=64 MiB");
    all.add("kvasir.transport.driver.mode=embedded");
    all.add("kvasir.node.cluster.port=" + FreePorts.next());
    all.add("kvasir.node.cluster.admin.port=" + adminPort);
    all.add("kvasir.node.cluster.discovery-port-name=admin");
    all.add("kvasir.node.cluster.contact-points=2");
    all.add("kvasir.node.cluster.tls.certificate=" + certificates.resolve("node.crt"));
    all.add("kvasir.node.cluster.tls.key=" + certificates.resolve("node.key"));
    all.add("kvasir.node.cluster.tls.ca=" + certificates.resolve("ca.crt"));
    // Two nodes that were started at the same time need not be waited for.
    all.add(BOOTSTRAP + ".stable-margin=1s");
    all.forEach(setting -> arguments.addAll(List.of("--set", setting)));
    arguments.addAll(List.of("--port", "0", "--no-launcher"));
    List<String> command = new ArrayList<>(List.of("env"));
    environment.forEach((key, value) -> command.add(key + "=" + value));
    command.addAll(
        JvmSpec.of(name, KvasirCommand.class, arguments.toArray(String[]::new))
            .withJvmFlags("-XX:TieredStopAtLevel=1")
            .command());
    return processes.launch(name, command);
  }

  private static int upCount(int adminPort) {
    try {
      int up = 0;
      for (JsonNode member :
          StatusClient.get(URI.create("http://127.0.0.1:" + adminPort)).path("members")) {
        boolean counts =
            member.path("status").asText().equals("Up")
                && member.path("reachable").asBoolean()
                && member.path("known").asBoolean();
        up += counts ? 1 : 0;
      }
      return up;
    } catch (IOException notYet) {
      return 0;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }

  /** Both nodes are up in one cluster, and the gateway's answer is computed by the other one. */
  private static void assertOneAnswersForTheOther(
      ChildProcess gateway, ChildProcess computing, int gatewayAdmin, int computingAdmin)
      throws Exception {
    String url = gateway.awaitLine("API at (\\S+),", BOUND).group(1);
    computing.awaitLine("is up", BOUND);
    for (int admin : List.of(gatewayAdmin, computingAdmin)) {
      TestTime.await(
          BOUND,
          () -> "two members\n" + gateway.lastWords() + computing.lastWords(),
          () -> upCount(admin) == 2);
    }
    HttpResponse<String> response;
    try (HttpClient http = HttpClient.newHttpClient()) {
      response =
          http.send(
              HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
                  .header("Content-Type", "application/json")
                  .POST(
                      HttpRequest.BodyPublishers.ofString(
                          """
                          {"model": "embedded:factbook", "prompt": "Who are you?",
                           "max_tokens": 4, "ignore_eos": true}
                          """))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
    }
    assertEquals(200, response.statusCode(), response.body());
    JsonNode answer = new ObjectMapper().readTree(response.body());
    assertEquals(4, answer.path("usage").path("completion_tokens").asInt(), response.body());
    assertEquals(
        computing.name(),
        answer.path("usage").path("kvasir").path("node").asText(),
        response.body());
  }

  @Test
  void shouldFindEachOtherByServiceRecords(ProcessFixture processes) throws Exception {
    int front = FreePorts.next();
    int back = FreePorts.next();
    try (NameServer names =
        new NameServer(
            "_admin._tcp.kvasir.test",
            Map.of("front.kvasir.test", front, "back.kvasir.test", back))) {
      List<String> settings =
          List.of(
              "kvasir.node.cluster.discovery=dns",
              "kvasir.node.cluster.discovery-name=kvasir.test",
              "kvasir.node.cluster.name-servers.0=" + names.address());
      ChildProcess gateway = node(processes, "front", "gateway", front, Map.of(), settings);
      ChildProcess computing = node(processes, "back", "decode", back, Map.of(), settings);
      assertOneAnswersForTheOther(gateway, computing, front, back);
      assertTrue(names.serviceQueries() >= 2, "queries: " + names.serviceQueries());
    }
  }

  @Test
  void shouldFindEachOtherByThePodsOfKubernetes(ProcessFixture processes, @TempDir Path account)
      throws Exception {
    int front = FreePorts.next();
    int back = FreePorts.next();
    Path token = Files.writeString(account.resolve("token"), "eyJhbGciOi.secret.of-account");
    Path namespace = Files.writeString(account.resolve("namespace"), "serving");
    try (PodListServer api =
        new PodListServer(
            certificates.resolve("node.crt"),
            certificates.resolve("node.key"),
            "serving",
            "kvasir",
            Files.readString(token),
            Map.of("front", front, "back", back))) {
      String kubernetes = "pekko.discovery.kubernetes-api.";
      List<String> settings =
          List.of(
              "kvasir.node.cluster.discovery=kubernetes",
              kubernetes + "api-ca-path=" + certificates.resolve("ca.crt"),
              kubernetes + "api-token-path=" + token,
              kubernetes + "pod-namespace-path=" + namespace);
      Map<String, String> environment =
          Map.of(
              "KUBERNETES_SERVICE_HOST",
              "127.0.0.1",
              "KUBERNETES_SERVICE_PORT",
              Integer.toString(api.port()));
      ChildProcess gateway = node(processes, "front", "gateway", front, environment, settings);
      ChildProcess computing = node(processes, "back", "decode", back, environment, settings);
      assertOneAnswersForTheOther(gateway, computing, front, back);
      assertTrue(api.lists() >= 2, "lists: " + api.lists());
    }
  }
}
