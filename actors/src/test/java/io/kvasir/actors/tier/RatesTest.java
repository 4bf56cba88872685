package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.LoadPlanner.Offer;
import io.kvasir.actors.tier.LoadPlanner.Source;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class RatesTest {
  private static final Source PEER = new Source(Residence.PEER, 5);
  private static final List<BitSet> SOME = List.of(BitSet.valueOf(new long[] {1}));

  private final TierSettings settings = TierSettings.from(ConfigFactory.load());
  private final AtomicLong nowNs = new AtomicLong(1);
  private final RateBook rates = new RateBook(settings, nowNs::get);
  private final List<String> said = new ArrayList<>();

  @Test
  void shouldLearnFixedPartAndBandwidthFromLoadsOfManySizes() {
    SourceRate rate = new SourceRate(0.001, 1e9);
    Random random = new Random(7);
    for (int i = 0; i < 200; i++) {
      double bytes = 1e6 * (1 + random.nextInt(50));
      rate.record(bytes, 0.004 + bytes / 3e8);
    }
    assertEquals(3e8, rate.bytesPerSecond(), 3e6);
    assertEquals(0.004, rate.fixedSeconds(), 4e-4);
  }

  @Test
  void shouldKeepTheMeanRightWhenAllLoadsAreOfOneSize() {
    SourceRate rate = new SourceRate(0.002, 1e9);
    for (int i = 0; i < 50; i++) {
      rate.record(1e7, 0.050);
    }
    assertEquals(0.050, rate.seconds(1e7), 1e-6);
  }

  @Test
  void shouldNotJudgeASourceByItsFirstLoadAlone() {
    SourceRate rate = new SourceRate(0.002, 2e9);
    rate.record(1.3e6, 0.057);
    assertTrue(rate.seconds(1.3e6) < 0.011, rate.seconds(1.3e6) + " s expected");
    for (int i = 0; i < 4; i++) {
      rate.record(1.3e6, 0.003);
    }
    assertEquals(0.003, rate.seconds(1.3e6), 0.002);
  }

  @Test
  void shouldBelieveASlowSourceThatSaysSoThreeTimes() {
    SourceRate rate = new SourceRate(0.002, 2e9);
    for (int i = 0; i < 3; i++) {
      rate.record(1.3e6, 0.057);
    }
    assertEquals(0.057, rate.seconds(1.3e6), 0.02);
  }

  @Test
  void shouldNeverGiveTimeBackForNothing() {
    SourceRate rate = new SourceRate(0.001, 1e9);
    Random random = new Random(9);
    for (int i = 0; i < 1000; i++) {
      // Longer loads are slower a byte, so that the line through them meets zero from below.
      double bytes = 1e4 * (1 + random.nextInt(100));
      rate.record(bytes, bytes * bytes * (1 + random.nextDouble()) / 1e13);
      assertTrue(rate.fixedSeconds() >= 0, rate.fixedSeconds() + " s after " + rate.samples());
    }
  }

  @Test
  void shouldFollowASourceThatBecomesSlower() {
    SourceRate rate = new SourceRate(0.001, 1e9);
    for (int i = 0; i < 40; i++) {
      rate.record(1e7 + i % 3 * 1e6, (1e7 + i % 3 * 1e6) / 1e9);
    }
    for (int i = 0; i < 40; i++) {
      rate.record(1e7 + i % 3 * 1e6, (1e7 + i % 3 * 1e6) / 1e8);
    }
    assertEquals(0.1, rate.seconds(1e7), 0.01);
  }

  @Test
  void shouldLearnWhatALongContextCosts() {
    PrefillCost cost = new PrefillCost(500);
    for (int from = 0; from < 8000; from += 500) {
      int to = from + 500;
      cost.record(from, to, 500 * 1e-3 + ((double) to * to - (double) from * from) / 2 * 1e-6);
    }
    assertEquals(1000 * 1e-3 + 500_000 * 1e-6, cost.seconds(0, 1000), 0.02);
    double late = 1000 * 1e-3 + (9000.0 * 9000 - 8000.0 * 8000) / 2 * 1e-6;
    assertEquals(late, cost.seconds(8000, 9000), late / 50);
  }

  @Test
  void shouldBypassASourceThatKeepsLosingSaySoAndTryItAgain() {
    assertNotNull(rates.offer(PEER, SOME, said));
    for (int i = 0; i < settings.bypass().losses(); i++) {
      rates.measured(PEER, 1_000_000, 1.0, 0.5);
    }
    assertNull(rates.offer(PEER, SOME, said));
    assertTrue(said.getLast().startsWith("node 5 is bypassed because its last 3 loads"));
    assertTrue(rates.explain().getFirst().endsWith("bypassed"));
    nowNs.addAndGet(settings.bypass().first().toNanos());
    assertNotNull(rates.offer(PEER, SOME, said));
    assertEquals("node 5 was bypassed and is tried again", said.getLast());
    rates.begin(PEER, 1000);
    assertNull(rates.offer(PEER, SOME, said), "one try at a time");
    rates.end(PEER, 1000);
    rates.measured(PEER, 1_000_000, 1.0, 0.5);
    nowNs.addAndGet(settings.bypass().first().toNanos());
    assertNull(rates.offer(PEER, SOME, said), "the pause doubles when the try loses");
    nowNs.addAndGet(settings.bypass().first().toNanos());
    assertNotNull(rates.offer(PEER, SOME, said));
    rates.measured(PEER, 1_000_000, 0.001, 0.5);
    assertNotNull(rates.offer(PEER, SOME, said));
    assertEquals(2, rates.bypassCount());
  }

  @Test
  void shouldDoubtAnOldMeasurementThatKeepsASourceFromBeingUsed() {
    for (int i = 0; i < 10; i++) {
      rates.measured(PEER, 1_000_000, 10, 0);
    }
    Offer fresh = rates.offer(PEER, SOME, said);
    assertTrue(fresh.bytesPerSecond() < 1e6);
    nowNs.addAndGet(TimeUnit.HOURS.toNanos(1));
    Offer old = rates.offer(PEER, SOME, said);
    assertEquals(settings.priors().peerBytesPerSecond(), old.bytesPerSecond(), 1);
  }

  @Test
  void shouldTellWhatASourceIsBusyWith() {
    Offer idle = rates.offer(PEER, SOME, said);
    assertEquals(0, idle.queuedSeconds());
    rates.begin(PEER, 1 << 29);
    assertEquals(
        (1 << 29) / idle.bytesPerSecond(), rates.offer(PEER, SOME, said).queuedSeconds(), 1e-9);
    rates.end(PEER, 1 << 29);
    assertEquals(0, rates.offer(PEER, SOME, said).queuedSeconds());
  }
}
