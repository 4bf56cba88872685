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

  @Test
  void shouldNameTheRefusedValueAsItIs() {
    Duration second = Duration.ofSeconds(1);
    for (String value : new String[] {"20 ms", "0.5 ms", "0.0 s", "12.0 s"}) {
      String[] parts = value.split(" ");
      double factor = parts[1].equals("s") ? 1e9 : 1e6;
      Duration beat = Duration.ofNanos((long) (Double.parseDouble(parts[0]) * factor));
      ConfigurationException refused =
          assertThrows(
              ConfigurationException.class,
              () -> new Detection(beat, second, second, second, Duration.ofSeconds(5), second));
      assertEquals(
          "kvasir.node.cluster.detection.heartbeat-interval="
              + value
              + " is out of range; set a value between 50 ms and 10000 ms",
          refused.getMessage());
    }
  }
}
