package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.TokenStream;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Many seeded lives of one request; a failing seed is in the message. */
final class FailoverSimulationTest {
  private static final int SEEDS = 1500;
  private static final long FAULTS_END_MS = 12_000;
  private static final long END_MS = 60_000;

  private static int[] expected(int choice, int count) {
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = SimulatedCluster.token(choice, i);
    }
    return tokens;
  }

  private static int[] lengths(Random random) {
    int[] lengths = new int[1 + random.nextInt(3)];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = random.nextInt(120);
    }
    return lengths;
  }

  private static void plagueNodes(SimulatedCluster cluster, Random random, int nodes) {
    int faults = 1 + random.nextInt(5);
    for (int i = 0; i < faults; i++) {
      int node = random.nextInt(nodes);
      long timeMs = random.nextInt((int) FAULTS_END_MS);
      switch (random.nextInt(5)) {
        case 0 -> {
          cluster.when(timeMs, () -> cluster.crash(node));
          cluster.when(timeMs + 500 + random.nextInt(4000), () -> cluster.restart(node));
        }
        case 1 -> {
          long forMs = 100 + random.nextInt(8000);
          cluster.when(timeMs, () -> cluster.pause(node, forMs));
        }
        case 2 -> {
          cluster.when(timeMs, () -> cluster.drain(node));
          cluster.when(timeMs + random.nextInt(3000), () -> cluster.returnTo(node));
        }
        case 3 -> {
          long forMs = 100 + random.nextInt(5000);
          cluster.when(timeMs, () -> cluster.pauseGateway(forMs));
        }
        default -> {}
      }
    }
    cluster.when(FAULTS_END_MS, cluster::heal);
  }

  private static void assertOneAttemptAfterTheOther(long seed, SimulatedCluster cluster) {
    int last = 0;
    for (int attempt : cluster.attemptOfToken()) {
      assertTrue(attempt >= last, () -> "seed " + seed + ": " + cluster.attemptOfToken());
      last = attempt;
    }
  }

  @Test
  void shouldGiveEveryTokenOnceInOrderWhateverHappensToNodesAndNetwork() {
    int failedOver = 0;
    long lost = 0;
    long repeated = 0;
    for (long seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed ^ 0x5DEECE66DL);
      int nodes = 1 + random.nextInt(4);
      int[] lengths = lengths(random);
      SimulatedCluster cluster =
          new SimulatedCluster(seed, nodes, lengths, random.nextDouble() * 0.3);
      plagueNodes(cluster, random, nodes);
      cluster.runUntil(END_MS);
      String which = "seed " + seed;
      assertTrue(cluster.over(), which);
      assertOneAttemptAfterTheOther(seed, cluster);
      for (int choice = 0; choice < lengths.length; choice++) {
        TokenStream stream = cluster.streams().get(choice);
        if (cluster.refusal() == null) {
          assertEquals(FinishReason.STOP, stream.finishReason(), which);
          assertArrayEquals(expected(choice, lengths[choice]), stream.snapshot(), which);
        } else {
          assertEquals(0, stream.published(), which);
        }
      }
      assertTrue(cluster.nodesIdle(), () -> which + ": something runs on a node");
      failedOver += cluster.attempts() > 1 ? 1 : 0;
      lost += cluster.lost();
      repeated += cluster.repeated();
    }
    assertTrue(failedOver > SEEDS / 4, "failed over " + failedOver);
    assertTrue(lost > SEEDS && repeated > SEEDS, "lost " + lost + ", repeated " + repeated);
  }

  @Test
  void shouldLeaveNothingRunningWhenTheClientLeaves() {
    for (long seed = 0; seed < SEEDS / 3; seed++) {
      Random random = new Random(seed ^ 0x1234567L);
      int nodes = 1 + random.nextInt(3);
      SimulatedCluster cluster =
          new SimulatedCluster(seed, nodes, new int[] {150, 150}, random.nextDouble() * 0.3);
      plagueNodes(cluster, random, nodes);
      long leavesMs = random.nextInt(6000);
      cluster.when(leavesMs, cluster::cancelByClient);
      cluster.runUntil(END_MS);
      String which = "seed " + seed;
      assertTrue(cluster.over(), which);
      assertTrue(cluster.nodesIdle(), () -> which + ": something runs on a node");
      for (int choice = 0; choice < 2; choice++) {
        TokenStream stream = cluster.streams().get(choice);
        if (cluster.refusal() == null) {
          assertNotNull(stream.finishReason(), which);
        }
        assertArrayEquals(expected(choice, stream.published()), stream.snapshot(), which);
      }
    }
  }

  @Test
  void shouldFenceANodeThatStoodStillByItsOwnLease() {
    SimulatedCluster cluster = new SimulatedCluster(7, 2, new int[] {190}, 0);
    // Whichever of them computes stands still for a minute.
    cluster.when(1000, () -> cluster.pauseBusy(60_000));
    cluster.runUntil(20_000);
    assertTrue(cluster.over());
    assertEquals(2, cluster.attempts());
    assertArrayEquals(expected(0, 190), cluster.streams().getFirst().snapshot());
    cluster.runUntil(70_000);
    assertTrue(cluster.nodesIdle());
    assertEquals(0, cluster.saidAfterPause());
  }

  @Test
  void shouldTellTheClientWhenNoNodeIsLeft() {
    SimulatedCluster cluster = new SimulatedCluster(3, 1, new int[] {190}, 0);
    cluster.when(1500, () -> cluster.crash(0));
    cluster.runUntil(200_000);
    assertTrue(cluster.over());
    TokenStream stream = cluster.streams().getFirst();
    assertEquals(FinishReason.CANCELLED, stream.finishReason());
    assertEquals("no node", stream.failure());
    assertArrayEquals(expected(0, stream.published()), stream.snapshot());
  }
}
