package io.kvasir.transport.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Thousands of seeded runs of the production protocol under every fault. */
class TransferSimulationTest {
  private static final String SEED_PROPERTY = "kvasir.sim.seed";

  @Test
  void shouldDeliverEverythingOverHealthyNetworks() {
    Totals totals = run(1, 300, 0, false);
    assertTrue(totals.verdicts > 3_000, "the scenarios move blocks: " + totals);
  }

  @Test
  void shouldNeverDeliverWrongBytesUnderFaults() {
    Totals totals = run(100_000, 1_400, 1, false);
    assertTrue(totals.mangled > 1_000 && totals.dropped > 1_000, "faults happened: " + totals);
    assertTrue(totals.delivered > totals.verdicts / 2, "most arrives all the same: " + totals);
  }

  @Test
  void shouldSurviveCrashesRestartsAndPauses() {
    Totals totals = run(200_000, 900, 1, true);
    assertTrue(totals.delivered > totals.verdicts / 4, "some arrives all the same: " + totals);
  }

  @Test
  @Tag("slow")
  void shouldHoldForManyMoreSeeds() {
    long first = System.nanoTime() & 0xFFFF_FFFFL;
    Totals totals = run(first, 60_000, 1.5, true);
    assertTrue(totals.delivered > 0, totals.toString());
  }

  @Test
  void shouldReplayBySeed() {
    SimScenario one = new SimScenario(77);
    one.run(1, true);
    SimScenario other = new SimScenario(77);
    other.run(1, true);
    assertEquals(one.deliveredCount, other.deliveredCount);
    assertEquals(one.cluster().network().droppedCount(), other.cluster().network().droppedCount());
    assertEquals(one.cluster().network().mangledCount(), other.cluster().network().mangledCount());
  }

  private record Totals(long verdicts, long delivered, long dropped, long mangled) {}

  private static Totals run(long firstSeed, int count, double weight, boolean crashes) {
    Long only = Long.getLong(SEED_PROPERTY);
    long verdicts = 0;
    long delivered = 0;
    long dropped = 0;
    long mangled = 0;
    for (long seed = firstSeed; seed < firstSeed + count; seed++) {
      long chosen = only == null ? seed : only;
      SimScenario scenario = new SimScenario(chosen);
      try {
        scenario.run(weight, crashes);
      } catch (AssertionError | RuntimeException e) {
        fail("seed " + chosen + " fails; run again with -D" + SEED_PROPERTY + "=" + chosen, e);
      }
      verdicts += scenario.verdictCount;
      delivered += scenario.deliveredCount;
      dropped += scenario.cluster().network().droppedCount();
      mangled += scenario.cluster().network().mangledCount();
    }
    return new Totals(verdicts, delivered, dropped, mangled);
  }
}
