package io.kvasir.chaos.scenario;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Verdict;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import org.junit.jupiter.api.Test;

/** A model whose state comes in groups. */
final class GroupedScenariosTest {
  @Test
  void shouldServeAllGroupsOfAPrefixOrNone() throws Exception {
    try (LocalCluster cluster =
        LocalCluster.of(LocalModel.GROUPED, 2, "kvasir.actors.tier.batch-blocks = 4")) {
      Verdict verdict = new A13GroupedState().run(cluster, Scale.EVERYDAY);
      System.out.println(verdict);
      assertTrue(verdict.held(), verdict::toString);
    }
  }
}
