package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.FakeEngine;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationRequest;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTPS with real handshakes. */
final class TlsTest {
  @TempDir private static Path folder;
  private static ActorTestKit kit;
  private static PemFiles rsa;
  private static PemFiles ec;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    rsa = PemFiles.create(folder, "RSA", "first");
    ec = PemFiles.create(folder, "EC", "second");
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  private static String config(Path certificate, Path key) {
    return "kvasir.actors.gateway.tls { certificate = \"%s\", key = \"%s\", reload-interval = 50 ms }"
        .formatted(certificate, key);
  }

  private static SSLSocket connect(TestNode node, String... protocols) throws Exception {
    SSLContext trust = PemFiles.trusting(rsa, ec);
    SSLSocket socket =
        (SSLSocket)
            trust
                .getSocketFactory()
                .createSocket(InetAddress.getLoopbackAddress(), node.server.address().getPort());
    socket.setSoTimeout(20_000);
    if (protocols.length > 0) {
      socket.setEnabledProtocols(protocols);
    }
    socket.startHandshake();
    return socket;
  }

  private static String shown(SSLSocket socket) throws Exception {
    return socket.getSession().getPeerPrincipal().getName();
  }

  private static String newlyShown(TestNode node) throws Exception {
    try (SSLSocket socket = connect(node)) {
      return shown(socket);
    }
  }

  @Test
  void shouldShowAReplacedCertificateWithoutDroppingConnections() throws Exception {
    Path certificate = Files.writeString(folder.resolve("a.crt"), rsa.certificatePem());
    Path key = Files.writeString(folder.resolve("a.key"), rsa.keyPem());
    try (TestNode node = TestNode.start(kit, config(certificate, key), new FakeEngine(1000))) {
      assertTrue(node.server.url().startsWith("https://127.0.0.1:"));
      try (SSLSocket socket = connect(node)) {
        assertEquals("CN=first", shown(socket));
        byte[] body = TestNode.chatBody("\"stream\":true").getBytes(StandardCharsets.UTF_8);
        socket
            .getOutputStream()
            .write(
                ("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        + "Content-Length: "
                        + body.length
                        + "\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().write(body);
        GenerationRequest request = node.submitted();
        // One file after the other: in between they do not match, and the old pair stays.
        Files.writeString(key, ec.keyPem());
        assertEquals("CN=first", newlyShown(node));
        Files.writeString(certificate, ec.certificatePem());
        String name = newlyShown(node);
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (name.equals("CN=first") && System.nanoTime() < deadlineNs) {
          name = newlyShown(node);
        }
        assertEquals("CN=second", name);
        Files.writeString(certificate, "nonsense");
        assertEquals("CN=second", newlyShown(node));
        node.engine.publish(request, 'a');
        node.engine.finish(request, FinishReason.LENGTH, 0, null);
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(answer.contains("[DONE]"), answer);
      }
    }
  }

  @Test
  void shouldSpeakTls12And13AndNothingOlder() throws Exception {
    Path certificate = Files.writeString(folder.resolve("b.crt"), ec.certificatePem());
    Path key = Files.writeString(folder.resolve("b.key"), ec.keyPem());
    try (TestNode node = TestNode.start(kit, config(certificate, key), new FakeEngine(1000))) {
      for (String protocol : new String[] {"TLSv1.2", "TLSv1.3"}) {
        try (SSLSocket socket = connect(node, protocol)) {
          assertEquals(protocol, socket.getSession().getProtocol());
        }
      }
      assertThrows(SSLException.class, () -> connect(node, "TLSv1.1").close());
    }
  }

  private static void assertRefused(Path certificate, Path key, String... parts) {
    KvasirSettings settings = KvasirSettings.from(TestNode.config(config(certificate, key)));
    ExecutionException failure =
        assertThrows(
            ExecutionException.class,
            () ->
                io.kvasir.actors.api.Kvasir.start(
                        kit.system(), settings, TestNode.source(new FakeEngine(1)), List.of())
                    .toCompletableFuture()
                    .get(20, TimeUnit.SECONDS));
    assertTrue(failure.getCause() instanceof ConfigurationException, failure.toString());
    String message = failure.getCause().getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void shouldNameTheFileThatCannotBeUsed() throws Exception {
    Path certificate = Files.writeString(folder.resolve("c.crt"), rsa.certificatePem());
    Path key = Files.writeString(folder.resolve("c.key"), rsa.keyPem());
    Path missing = folder.resolve("no.pem");
    assertRefused(missing, key, "no.pem", "cannot be read");
    Path noise = Files.writeString(folder.resolve("noise.pem"), "noise");
    assertRefused(noise, key, "noise.pem", "holds no certificate");
    assertRefused(certificate, noise, "noise.pem", "holds no private key");
    Path old =
        Files.writeString(
            folder.resolve("old.key"), PemFiles.pem("RSA PRIVATE KEY", new byte[] {1, 2}));
    assertRefused(certificate, old, "old.key", "RSA PRIVATE KEY", "openssl pkcs8");
    Path other = Files.writeString(folder.resolve("other.key"), ec.keyPem());
    assertRefused(certificate, other, "other.key", "RSA");
    Path third =
        Files.writeString(
            folder.resolve("third.key"), PemFiles.create(folder, "RSA", "third").keyPem());
    assertRefused(certificate, third, "third.key", "does not belong");
  }
}
