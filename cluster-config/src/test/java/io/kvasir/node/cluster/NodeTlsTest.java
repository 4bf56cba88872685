package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.kvasir.actors.cluster.ClusterService;
import io.kvasir.actors.cluster.ClusterSettings;
import io.kvasir.transport.process.FreePorts;
import io.kvasir.transport.process.TestTime;
import java.math.BigInteger;
import java.net.Socket;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.apache.pekko.actor.typed.ActorSystem;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that prove to each other who they are. */
final class NodeTlsTest {
  private static final Duration BOUND = Duration.ofMinutes(1);

  @TempDir private Path folder;
  private final List<ActorSystem<Void>> systems = new ArrayList<>();

  @AfterEach
  void stop() {
    systems.forEach(ActorSystem::terminate);
    systems.forEach(system -> system.getWhenTerminated().toCompletableFuture().join());
  }

  private ClusterService node(String name, int port, int seed, Path certificates) {
    ActorSystem<Void> system =
        BareNode.start(
            "cache",
            """
            kvasir.actors.cluster.name = %s
            kvasir.node.cluster { port = %d, seeds = ["127.0.0.1:%d"] }
            kvasir.node.cluster.tls {
              certificate = "%s/%s.crt", key = "%s/%s.key", ca = "%s/ca.crt"
              reload-interval = 50 ms
            }
            """
                .formatted(name, port, seed, certificates, name, certificates, name, certificates));
    systems.add(system);
    return ClusterService.start(system, ClusterSettings.from(system.settings().config()));
  }

  private static List<String> names(ClusterService service) {
    return service.view().reachable().stream().map(node -> node.name()).sorted().toList();
  }

  @Test
  void shouldKeepStrangersOutAndShowReplacedCertificates() throws Exception {
    CertificateFolder ours = new CertificateFolder(folder.resolve("ours"));
    ours.createAuthority(Duration.ofDays(1));
    ours.issue("left", List.of("127.0.0.1"), Duration.ofDays(1));
    ours.issue("right", List.of("127.0.0.1"), Duration.ofDays(1));
    CertificateFolder others = new CertificateFolder(folder.resolve("others"));
    others.createAuthority(Duration.ofDays(1));
    others.issue("stranger", List.of("127.0.0.1"), Duration.ofDays(1));

    int port = FreePorts.next();
    ClusterService left = node("left", port, port, folder.resolve("ours"));
    ClusterService right = node("right", FreePorts.next(), port, folder.resolve("ours"));
    // Each hears of the other by itself: one of them may know both first.
    for (ClusterService service : List.of(left, right)) {
      TestTime.await(
          BOUND, () -> "both nodes", () -> names(service).equals(List.of("left", "right")));
    }

    // Who merely looks whether the node lives, as gateways do, is no stranger; who shows no
    // certificate is.
    long knocked = CountingTls.refusedCount();
    for (int probe = 0; probe < 5; probe++) {
      new Socket("127.0.0.1", port).close();
    }
    serial(port);
    TestTime.await(BOUND, () -> "a refusal", () -> CountingTls.refusedCount() > knocked);
    assertEquals(knocked + 1, CountingTls.refusedCount());

    long refused = CountingTls.refusedCount();
    ClusterService stranger = node("stranger", FreePorts.next(), port, folder.resolve("others"));
    TestTime.await(BOUND, () -> "a refusal", () -> CountingTls.refusedCount() > refused);
    assertEquals(List.of("stranger"), names(stranger));
    assertEquals(List.of("left", "right"), names(left));

    BigInteger before = serial(port);
    ours.issue("left", List.of("127.0.0.1"), Duration.ofDays(1));
    TestTime.await(
        BOUND,
        () -> "another certificate than " + before,
        () -> {
          try {
            return !serial(port).equals(before);
          } catch (Exception failure) {
            throw new AssertionError(failure);
          }
        });
    assertNotEquals(before, serial(port));
  }

  /** Serial number of the certificate that a node shows to whoever connects. */
  private static BigInteger serial(int port) throws Exception {
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(null, new TrustManager[] {new TrustEverybody()}, null);
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.startHandshake();
      return ((X509Certificate) socket.getSession().getPeerCertificates()[0]).getSerialNumber();
    }
  }

  private static final class TrustEverybody implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
