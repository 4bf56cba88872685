package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class RestartPolicyTest {
  private static final Duration SHORT = Duration.ofSeconds(1);

  @Test
  void shouldWaitLongerEachTimeUntilALifeWasLong() {
    RestartPolicy policy =
        new RestartPolicy(SHORT, Duration.ofSeconds(5), Duration.ofSeconds(60));
    List<Long> waits =
        Stream.of(1, 1, 1, 1, 1, 60, 1)
            .map(life -> policy.ended(Duration.ofSeconds(life)).toSeconds())
            .toList();
    assertEquals(List.of(1L, 2L, 4L, 5L, 5L, 1L, 2L), waits);
  }

  @Test
  void shouldStartAgainWhatCrashedOrWasRemovedButNotWhatWasToldToStop() {
    for (int code : new int[] {1, NodeKeeper.EXIT_REMOVED, 134, 137, 139}) {
      assertTrue(NodeKeeper.isRestarted(code), () -> "exit code " + code);
    }
    for (int code : new int[] {0, NodeKeeper.EXIT_CONFIGURATION, 130, 143}) {
      assertFalse(NodeKeeper.isRestarted(code), () -> "exit code " + code);
    }
  }
}
