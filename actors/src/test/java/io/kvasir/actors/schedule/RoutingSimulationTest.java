package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.schedule.SimulatedRouting.Outcome;
import io.kvasir.actors.schedule.SimulatedRouting.Setting;
import io.kvasir.actors.settings.ScheduleSettings;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What routing by prefix makes of many seeded traces; a failing seed is in the message. */
final class RoutingSimulationTest {
  private static final int SEEDS = 30;
  private static final ScheduleSettings SETTINGS = ScheduleSettings.from(ConfigFactory.load());

  /** 16 prefixes of 16 blocks on two nodes that hold eight of them each, and what runs. */
  private static Setting halves(double lateShare, boolean leastLoaded) {
    return new Setting(2, 16, 512, 16, 4, 10, 4, 8 * 16 + 4, lateShare, leastLoaded);
  }

  private static List<Outcome> outcomes(Setting setting) {
    List<Outcome> outcomes = new ArrayList<>();
    for (long seed = 0; seed < SEEDS; seed++) {
      outcomes.add(new SimulatedRouting(setting, SETTINGS, seed).run());
    }
    return outcomes;
  }

  private static double meanComputed(List<Outcome> outcomes) {
    return outcomes.stream().mapToDouble(Outcome::computedShare).average().orElseThrow();
  }

  @Test
  void shouldComputeEveryPrefixAboutOnceWhereTheNodesTogetherHoldThemAll() {
    List<Outcome> outcomes = outcomes(halves(0, false));
    // Once each, and what every prompt has for itself: 12.7 %.
    double share = meanComputed(outcomes);
    assertTrue(share < 0.16, "computed " + share);
    for (int seed = 0; seed < SEEDS; seed++) {
      Outcome outcome = outcomes.get(seed);
      assertTrue(outcome.computedShare() < 0.22, "seed " + seed + ": " + outcome);
    }
  }

  @Test
  void shouldGoWhereAPrefixWasSentWhenTheDirectoryIsOftenLate() {
    double share = meanComputed(outcomes(halves(0.1, false)));
    assertTrue(share < 0.18, "computed " + share);
  }

  @Test
  void shouldAnswerTwiceAsFastAsByLoadAlone() {
    double byPrefix =
        outcomes(halves(0, false)).stream().mapToDouble(Outcome::perSecond).average().orElseThrow();
    double byLoad =
        outcomes(halves(0, true)).stream().mapToDouble(Outcome::perSecond).average().orElseThrow();
    assertTrue(byPrefix > 2 * byLoad, byPrefix + " and " + byLoad + " a second");
  }

  @Test
  void shouldNotComputeAColdPrefixOnTwoNodesAtOnce() {
    // Everybody asks for the same few prefixes, and nothing is ever pushed out.
    List<Outcome> outcomes = outcomes(new Setting(2, 4, 512, 16, 4, 10, 4, 1000, 0, false));
    int duplicates = outcomes.stream().mapToInt(Outcome::duplicates).sum();
    // Now and then a report and what was sent count the same prompt, and a queue looks too long.
    assertTrue(duplicates <= SEEDS / 2, "duplicates " + duplicates + " in " + SEEDS + " traces");
  }

  @Test
  void shouldReplicateThePrefixThatEverybodyAsksFor() {
    // One prefix, many clients: one node alone would leave the other one idle.
    Setting hot = new Setting(2, 1, 512, 256, 4, 200, 16, 1000, 0, false);
    for (Outcome outcome : outcomes(hot)) {
      assertTrue(outcome.leastUsedShare() > 0.25, outcome.toString());
    }
  }
}
