package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.GatewaySettings;
import io.kvasir.actors.settings.KeyHash;
import io.kvasir.actors.settings.KvasirSettings;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who can reach a node that asks for no key. */
final class ExposureTest {
  private static GatewaySettings host(String host, String more) {
    return KvasirSettings.from(
            TestNode.config("kvasir.actors.gateway { host = \"%s\"\n%s }".formatted(host, more)))
        .gateway();
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "127.9.9.9", "::1", "localhost"})
  void shouldServeItsOwnMachineWithoutKeys(String host) {
    Exposure.check(host(host, ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", "10.1.2.3"})
  void shouldServeOthersOnlyWithKeysOrWhenToldTo(String host) {
    String message =
        assertThrows(ConfigurationException.class, () -> Exposure.check(host(host, "")))
            .getMessage();
    assertTrue(message.contains("host=" + host) && message.contains("kvasir keys create"), message);
    Exposure.check(host(host, "access.anonymous = true"));
    String key = KeyHash.of("0123456789ab", new byte[16], "secret").line();
    Exposure.check(host(host, "access.tenants.acme.keys = [\"" + key + "\"]"));
  }
}
