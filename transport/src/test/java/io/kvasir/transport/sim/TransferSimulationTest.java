package io.kvasir.transport.sim;

import static io.kvasir.transport.sim.SimScenario.Kind.LYING;
import static io.kvasir.transport.sim.SimScenario.Kind.PLAIN;
import static io.kvasir.transport.sim.SimScenario.Kind.SEALED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.kvasir.transport.TransportCounter;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Thousands of seeded runs of the production protocol under every fault. */
class TransferSimulationTest {
  private static final String SEED_PROPERTY = "kvasir.sim.seed";

  @Test
  void shouldDeliverEverythingOverHealthyNetworks() {
    Totals totals = run(1, 300, 0, false, PLAIN);
    assertTrue(totals.verdicts > 3_000, "the scenarios move blocks: " + totals);
    assertEquals(0, totals.collectivesFailed, totals::toString);
  }

  @Test
  void shouldNeverDeliverWrongBytesUnderFaults() {
    Totals totals = run(100_000, 1_400, 1, false, PLAIN);
    assertTrue(totals.mangled > 1_000 && totals.dropped > 1_000, "faults happened: " + totals);
    assertTrue(totals.foreign > 1_000, "frames of others were refused: " + totals);
    assertTrue(totals.delivered > totals.verdicts / 2, "most arrives all the same: " + totals);
    assertTrue(totals.collectives > 10_000, "vectors were added: " + totals);
  }

  @Test
  void shouldSurviveCrashesRestartsAndPauses() {
    Totals totals = run(200_000, 900, 1, true, PLAIN);
    assertTrue(totals.delivered > totals.verdicts / 4, "some arrives all the same: " + totals);
    assertTrue(totals.collectivesFailed > 100, "groups broke and formed again: " + totals);
  }

  @Test
  void shouldHoldWhenEveryFrameIsSealed() {
    Totals totals = run(300_000, 250, 1, true, SEALED);
    assertTrue(totals.delivered > totals.verdicts / 4, "some arrives all the same: " + totals);
    assertTrue(totals.replayed > 300, "replays were refused: " + totals);
    assertTrue(totals.unproven > 100, "mangled frames were refused: " + totals);
  }

  @Test
  void shouldSurviveWhateverAPeerSays() {
    Totals totals = run(400_000, 400, 1, false, LYING);
    assertTrue(totals.mangled > 1_000, "frames lied: " + totals);
    assertTrue(totals.delivered > totals.verdicts / 4, "some arrives all the same: " + totals);
  }

  @Test
  @Tag("slow")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void shouldHoldForManyMoreSeeds() {
    long first = System.nanoTime() & 0xFFFF_FFFFL;
    Totals plain = run(first, 60_000, 1.5, true, PLAIN);
    Totals sealed = run(first, 6_000, 1.5, true, SEALED);
    Totals lying = run(first, 10_000, 1.5, true, LYING);
    System.out.println(plain + "\n" + sealed + "\n" + lying);
    assertTrue(plain.delivered > 0 && sealed.delivered > 0 && lying.delivered > 0);
  }

  @Test
  void shouldReplayBySeed() {
    Totals one = run(77, 3, 1, true, PLAIN);
    assertEquals(one, run(77, 3, 1, true, PLAIN));
  }

  /**
   * What happened over a series of runs.
   *
   * @param foreign frames refused for their incarnation
   * @param replayed sealed frames refused because they had been seen
   * @param unproven sealed frames refused by their tag
   */
  private record Totals(
      long verdicts,
      long delivered,
      long dropped,
      long mangled,
      long foreign,
      long replayed,
      long unproven,
      long collectives,
      long collectivesFailed) {
    Totals plus(SimScenario run) {
      return new Totals(
          verdicts + run.verdictCount,
          delivered + run.deliveredCount,
          dropped + run.cluster().network().droppedCount(),
          mangled + run.cluster().network().mangledCount(),
          foreign + run.count(TransportCounter.FRAMES_WRONG_INCARNATION),
          replayed + run.count(TransportCounter.FRAMES_REPLAYED),
          unproven + run.count(TransportCounter.FRAMES_WRONG_KEY),
          collectives + run.collectivesCompleted(),
          collectivesFailed + run.collectivesFailed());
    }
  }

  private static Totals run(
      long firstSeed, int count, double weight, boolean crashes, SimScenario.Kind kind) {
    Long only = Long.getLong(SEED_PROPERTY);
    Totals totals = new Totals(0, 0, 0, 0, 0, 0, 0, 0, 0);
    for (long seed = firstSeed; seed < firstSeed + count; seed++) {
      long chosen = only == null ? seed : only;
      SimScenario scenario = new SimScenario(chosen, kind);
      try {
        scenario.run(weight, crashes);
      } catch (AssertionError | RuntimeException e) {
        fail("seed " + chosen + " fails; run again with -D" + SEED_PROPERTY + "=" + chosen, e);
      }
      totals = totals.plus(scenario);
    }
    return totals;
  }
}
