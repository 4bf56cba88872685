package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.settings.ConfigurationException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class DetectionTest {
  @Test
  void shouldAddUpToOwnershipWithinTwentySecondsAsShipped() {
    Detection shipped = Detection.from(ConfigFactory.load());
    assertEquals(Duration.ofMillis(7100), shipped.suspect());
    assertEquals(Duration.ofMillis(14_600), shipped.removed());
    assertEquals(Duration.ofMillis(18_600), shipped.ownershipBack());
    assertTrue(shipped.explain().get(0).startsWith("suspect <= 7.1 s"), shipped.explain().get(0));
  }

  @Test
  void shouldRefuseAPauseOfLessThanTwoHeartbeats() {
    Duration second = Duration.ofSeconds(1);
    ConfigurationException refused =
        assertThrows(
            ConfigurationException.class,
            () ->
                new Detection(
                    second,
                    Duration.ofMillis(1500),
                    second,
                    second,
                    Duration.ofSeconds(5),
                    second));
    assertTrue(refused.getMessage().contains("acceptable-pause=1.5 s"), refused.getMessage());
  }
}
