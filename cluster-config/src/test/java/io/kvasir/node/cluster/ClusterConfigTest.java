package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.settings.ConfigurationException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ClusterConfigTest {
  private static Config profile(String name, String... lines) {
    return ConfigFactory.parseString(String.join("\n", lines))
        .withFallback(
            ConfigFactory.parseResources(
                ClusterConfigTest.class.getClassLoader(), "io/kvasir/node/" + name + ".conf"))
        .withFallback(ConfigFactory.defaultReferenceUnresolved())
        .resolve();
  }

  private static String refusal(String... lines) {
    return assertThrows(
            ConfigurationException.class,
            () -> ClusterConfig.complete(profile("decode", lines), "1.0.0"))
        .getMessage();
  }

  @Test
  void shouldSpeakPlainOnTheLoopbackInterface() {
    Config config =
        ClusterConfig.complete(
            profile("decode", "kvasir.node.cluster.seeds = [\"127.0.0.1:25520\"]"), "1.2.3");
    assertEquals("tcp", config.getString("pekko.remote.artery.transport"));
    assertEquals(
        List.of("pekko://kvasir@127.0.0.1:25520"),
        config.getStringList("pekko.cluster.seed-nodes"));
    assertEquals("1.2.3", config.getString("pekko.cluster.app-version"));
    assertEquals(
        List.of("decode", "prefill", "cache"), config.getStringList("pekko.cluster.roles"));
  }

  @Test
  void shouldRefusePlainWhereOthersCanReachTheNode() {
    for (String line :
        List.of(
            "kvasir.node.cluster.host = 0.0.0.0",
            "kvasir.node.cluster.host = 10.1.2.3",
            "kvasir.node.cluster.seeds = [\"10.1.2.3:25520\"]",
            "kvasir.node.cluster.discovery = dns")) {
      assertTrue(refusal(line).contains("no tls"), refusal(line));
    }
  }

  @Test
  void shouldRefuseSettingsThatCannotWork() {
    assertTrue(
        refusal("kvasir.node.cluster.tls.ca = /a").contains("not certificate and key"),
        refusal("kvasir.node.cluster.tls.ca = /a"));
    assertTrue(refusal("kvasir.node.cluster.discovery = guess").contains("discovery=guess"));
    assertTrue(refusal("kvasir.node.cluster.seeds = [there]").contains("host:port"));
    assertTrue(refusal("kvasir.actors.cluster.roles = [cook]").contains("cook"));
    assertTrue(refusal("kvasir.actors.cluster.roles = []").contains("roles is empty"));
  }

  @Test
  void shouldRefuseADiscoveryThatCannotWork() {
    for (Map.Entry<String, String> wrong :
        Map.of(
                "discovery-name = \"a b\"", "discovery-name=a b",
                "discovery-port-name = Admin_Port", "discovery-port-name=Admin_Port",
                "contact-points = 0", "contact-points=0 is out of range",
                "contact-points = 1001", "1 to 1000",
                "name-servers = [dns.example]", "name-servers has dns.example",
                "admin.port = 0", "admin.port=0 cannot be found",
                "host = 10.1.2.3", "admin.host=127.0.0.1 cannot be reached")
            .entrySet()) {
      String sentence =
          refusal("kvasir.node.cluster.discovery = dns", "kvasir.node.cluster." + wrong.getKey());
      assertTrue(sentence.contains(wrong.getValue()), sentence);
      assertTrue(sentence.startsWith("kvasir.node.cluster."), sentence);
    }
    Config inNoPod = profile("decode", "kvasir.node.cluster.discovery = kubernetes");
    String sentence =
        assertThrows(
                ConfigurationException.class,
                () -> ClusterConfig.complete(inNoPod, "1.0.0", Map.of()))
            .getMessage();
    assertTrue(sentence.contains("KUBERNETES_SERVICE_HOST"), sentence);
  }

  @Test
  void shouldSpeakTlsWithCertificatesAndFindPeersByDns(@TempDir Path folder) throws Exception {
    CertificateFolder certificates = new CertificateFolder(folder);
    certificates.createAuthority(Duration.ofDays(2));
    certificates.issue("one", List.of("10.1.2.3", "one.example"), Duration.ofDays(1));
    Config config =
        ClusterConfig.complete(
            profile(
                "gateway",
                "kvasir.node.cluster.host = 10.1.2.3",
                "kvasir.node.cluster.admin.host = 10.1.2.3",
                "kvasir.node.cluster.discovery = dns",
                "kvasir.node.cluster.name-servers = [\"10.0.0.2:5353\"]",
                "kvasir.node.cluster.tls.certificate = \"" + folder.resolve("one.crt") + "\"",
                "kvasir.node.cluster.tls.key = \"" + folder.resolve("one.key") + "\"",
                "kvasir.node.cluster.tls.ca = \"" + folder.resolve("ca.crt") + "\""),
            "1");
    assertEquals("tls-tcp", config.getString("pekko.remote.artery.transport"));
    assertEquals(
        "pekko-dns",
        config.getString(
            "pekko.management.cluster.bootstrap.contact-point-discovery.discovery-method"));
    assertEquals(
        List.of("10.0.0.2:5353"), config.getStringList("pekko.io.dns.async-dns.nameservers"));
    assertEquals("async-dns", config.getString("pekko.io.dns.resolver"));
    assertEquals(
        "rw-------",
        java.nio.file.attribute.PosixFilePermissions.toString(
            Files.getPosixFilePermissions(folder.resolve("one.key"))));
    assertThrows(
        ConfigurationException.class, () -> certificates.createAuthority(Duration.ofDays(2)));
  }

  @Test
  void shouldLetJoinOnlyWhoAgreesOnBlocksAndUnderstandsTheMessages() {
    Config here = profile("decode");
    assertEquals(List.of(), AgreedSettings.refusals(here, here));
    Config next = profile("decode", "kvasir.node.cluster.wire-version = 2");
    assertEquals(List.of(), AgreedSettings.refusals(next, here));
    Config far = profile("decode", "kvasir.node.cluster.wire-version = 3");
    assertEquals(1, AgreedSettings.refusals(far, here).size());
    Config pages = profile("decode", "kvasir.runtime.page-tokens = 16");
    assertTrue(
        AgreedSettings.refusals(pages, here).getFirst().contains("page-tokens=16 is 32"),
        AgreedSettings.refusals(pages, here).toString());
    assertEquals(4, AgreedSettings.refusals(ConfigFactory.empty(), here).size());
  }

  @Test
  void shouldRefuseAMixtureOfPekkoVersions() {
    PekkoVersions.check(
        Map.of("pekko-actor", "1.7.0", "pekko-remote", "1.7.0", "pekko-discovery", "1.2.1"));
    PekkoVersions.check(Map.of("pekko-actor", "1.7.0", "pekko-http", "1.3.0"));
    ConfigurationException refused =
        assertThrows(
            ConfigurationException.class,
            () -> PekkoVersions.check(Map.of("pekko-actor", "1.7.0", "pekko-remote", "1.6.0")));
    assertTrue(refused.getMessage().contains("pekko-remote=1.6.0"), refused.getMessage());
  }
}
