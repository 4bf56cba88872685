package io.kvasir.chaos.scenario;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.Verdict;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Faults between two steps of one node, on two nodes of this JVM that all tests share. */
final class LocalScenariosTest {
  /** Room for one long request and little else, so that requests want each other's memory. */
  private static final long ARENA_BYTES = 256 << 10;

  private static final String OWN =
      """
      kvasir.actors.tier { batch-blocks = 2, pin-ttl = 2 s, borrow-ttl = 4 s, guard = 200 ms }
      """;

  private static LocalCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = LocalCluster.of(LocalModel.PLAIN.withArena(ARENA_BYTES), 2, OWN);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static void shouldHold(Scenario<LocalCluster> scenario) {
    Verdict verdict = scenario.run(cluster, Scale.EVERYDAY);
    System.out.println(verdict);
    assertTrue(verdict.held(), verdict::toString);
  }

  @Test
  void shouldLeaveNoLeaseBehindWhenARequestIsInterrupted() {
    shouldHold(new A3Leases());
  }

  @Test
  void shouldRefuseAReferenceFromBeforeASlotWasReused() {
    shouldHold(new A4StaleReference());
  }

  @Test
  void shouldRefuseTheOldLifeOfANodeThatRestartsInMidTransfer() {
    shouldHold(new A5RestartMidTransfer());
  }

  @Test
  void shouldTellTheReceiverAtOnceWhenOneWriteCannotStart() {
    shouldHold(new A6WriteThatCannotStart());
  }

  @Test
  void shouldDropWhatAFormerLifeHasAnnounced() {
    shouldHold(new A10RestartedNumbering());
  }

  @Test
  void shouldEndATransferThatHasLostOneOfItsEnds() {
    shouldHold(new LenderDies());
  }

  @Test
  void shouldOutliveMalformedMessages() {
    shouldHold(new MalformedMessages());
  }
}
