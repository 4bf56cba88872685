package io.kvasir.node.bench.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ClusterGoalsTest {
  @Test
  void shouldAllowALoadTheMediumsTimeAtSixTenthsAndTenMilliseconds() {
    // 25.2 MB at 0.6 x 3 GB/s are 14 ms.
    assertEquals(8 + 14 + 10, ClusterGoals.loaded(8, 25_200_000, 3).bound(), 1e-9);
    assertTrue(ClusterGoals.loaded(8, 25_200_000, 3).isMetBy(31.9));
    assertFalse(ClusterGoals.loaded(8, 25_200_000, 3).isMetBy(32.1));
  }

  @Test
  void shouldAllowAResumeThePrefillOfWhatDiedWithTheNode() {
    double prefill = ClusterGoals.predictedPrefillMs(900, 1500, 1600);
    assertEquals(960, prefill, 1e-9);
    assertEquals(3460, ClusterGoals.resumed(prefill).bound(), 1e-9);
  }

  @Test
  void shouldJudgeRoutingByItsBounds() {
    assertTrue(ClusterGoals.ROUTING_WITHOUT_TIERS.isMetBy(2));
    assertFalse(ClusterGoals.ROUTING_WITHOUT_TIERS.isMetBy(1.99));
    assertTrue(ClusterGoals.ROUTING_WITH_TIERS.isMetBy(0.98));
    assertFalse(ClusterGoals.ROUTING_WITH_TIERS.isMetBy(0.97));
  }

  @Test
  void shouldCountCoresOverTheTimeThatPassed() {
    assertEquals(0.03, IdlePart.share(Duration.ofMillis(600), 20), 1e-12);
  }
}
