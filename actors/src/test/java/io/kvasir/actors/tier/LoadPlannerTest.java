package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.tier.LoadPlanner.Offer;
import io.kvasir.actors.tier.LoadPlanner.Plan;
import io.kvasir.actors.tier.LoadPlanner.Prompt;
import io.kvasir.actors.tier.LoadPlanner.Source;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class LoadPlannerTest {
  private static final Source HOST = new Source(Residence.HOST, 0);
  private static final Source PEER = new Source(Residence.PEER, 2);
  private static final Source OTHER = new Source(Residence.PEER, 3);
  private static final int CHUNK = 256;
  private static final BlockShape CHUNKS =
      new BlockShape("d", CHUNK, List.of(new BlockShape.Group(1 << 20, 4, 0, 1)));
  private static final PrefillCost SLOW = new PrefillCost(100);

  private static BitSet bits(int... set) {
    BitSet bits = new BitSet();
    for (int i : set) {
      bits.set(i);
    }
    return bits;
  }

  private static BitSet range(int from, int to) {
    BitSet bits = new BitSet();
    bits.set(from, to);
    return bits;
  }

  private static Offer offer(Source source, double bytesPerSecond, BitSet... blocks) {
    return new Offer(source, List.of(blocks), 0.002, bytesPerSecond, 0);
  }

  private static Plan chunks(BitSet device, BitSet host, BitSet peer) {
    return LoadPlanner.plan(
        new Prompt(CHUNKS, 7, 7 * CHUNK, List.of(device)),
        List.of(offer(HOST, 2e9, host), offer(PEER, 1e9, peer)),
        SLOW);
  }

  @Test
  void shouldJoinTiersIntoOnePrefixAndEndItAtTheFirstGap() {
    assertEquals(1792, chunks(range(0, 3), range(3, 5), range(5, 7)).end() * CHUNK);
    assertEquals(1024, chunks(range(0, 3), bits(3), range(5, 7)).end() * CHUNK);
    assertEquals(512, chunks(range(0, 2), range(3, 5), range(5, 7)).end() * CHUNK);
    Plan gap = chunks(range(0, 2), range(3, 5), range(5, 7));
    assertEquals(2, gap.usable(), "what lies behind a gap is not loaded");
    assertTrue(gap.explained().contains("no tier has block 2, so the prefix ends there at the latest"));
  }

  @Test
  void shouldComputeWhereLoadingIsPredictedToTakeLonger() {
    Prompt prompt = new Prompt(CHUNKS, 7, 7 * CHUNK, List.of(bits()));
    List<Offer> offers = List.of(offer(PEER, 1e6, range(0, 7)));
    Plan slower = LoadPlanner.plan(prompt, offers, new PrefillCost(10_000));
    assertEquals(0, slower.end());
    assertEquals(7, slower.usable());
    assertTrue(slower.explained().getFirst().contains("are computed though a tier has them"));
    Plan sooner = LoadPlanner.plan(prompt, offers, new PrefillCost(50));
    assertEquals(7, sooner.end());
    assertTrue(sooner.loadSeconds() < sooner.computeSeconds());
    assertTrue(sooner.explained().getFirst().contains("are loaded from node 2"));
  }

  @Test
  void shouldCountWhatASourceIsBusyWith() {
    Prompt prompt = new Prompt(CHUNKS, 2, 2 * CHUNK, List.of(bits()));
    PrefillCost cost = new PrefillCost(1000);
    Offer idle = new Offer(PEER, List.of(range(0, 2)), 0.001, 1e8, 0);
    Offer busy = new Offer(PEER, List.of(range(0, 2)), 0.001, 1e8, 3);
    assertEquals(2, LoadPlanner.plan(prompt, List.of(idle), cost).end());
    assertEquals(0, LoadPlanner.plan(prompt, List.of(busy), cost).end());
  }

  @Test
  void shouldTakeEachBlockFromTheFastestThatHasIt() {
    Prompt prompt = new Prompt(CHUNKS, 4, 4 * CHUNK, List.of(bits()));
    Plan plan =
        LoadPlanner.plan(
            prompt,
            List.of(
                offer(PEER, 1e8, range(0, 4)),
                offer(HOST, 2e9, range(0, 2)),
                offer(OTHER, 1e9, bits(1, 3))),
            SLOW);
    assertEquals(4, plan.end());
    assertEquals(1, plan.from()[0][0]);
    assertEquals(1, plan.from()[0][1]);
    assertEquals(0, plan.from()[0][2]);
    assertEquals(2, plan.from()[0][3]);
  }

  /** A13: a window group needs only its latest blocks, but all of those. */
  @Test
  void shouldLoadAllGroupsOrNothing() {
    Prompt prompt = new Prompt(TestBlocks.GROUPED, 6, 24, List.of(bits(), bits()));
    Offer noWindow = offer(HOST, 2e9, range(0, 6), bits());
    assertEquals(0, LoadPlanner.plan(prompt, List.of(noWindow), SLOW).end());
    Offer latest = offer(HOST, 2e9, range(0, 6), bits(4, 5));
    assertEquals(6, LoadPlanner.plan(prompt, List.of(latest), SLOW).end());
    Offer halfWindow = offer(HOST, 2e9, range(0, 6), bits(0, 1, 2, 4));
    Plan earlier = LoadPlanner.plan(prompt, List.of(halfWindow), SLOW);
    assertEquals(3, earlier.end(), "blocks 1 and 2 are the last whole window");
  }

  /** Against trying every end. */
  @Test
  void shouldFindTheBestEndOfRandomPrompts() {
    long seed = Long.getLong("kvasir.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 2000; round++) {
      int blocks = 1 + random.nextInt(9);
      BlockShape shape = random.nextBoolean() ? TestBlocks.GROUPED : TestBlocks.PLAIN;
      int groups = shape.groups().size();
      Prompt prompt =
          new Prompt(
              shape, blocks, blocks * 4 + random.nextInt(4), random(random, groups, blocks, 0.4));
      List<Offer> offers = new ArrayList<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        offers.add(
            new Offer(
                new Source(Residence.PEER, i),
                random(random, groups, blocks, 0.7),
                random.nextDouble() * 0.01,
                1e5 + random.nextDouble() * 1e6,
                random.nextInt(3) == 0 ? random.nextDouble() * 0.01 : 0));
      }
      PrefillCost cost = new PrefillCost(200 + random.nextInt(4000));
      Plan plan = LoadPlanner.plan(prompt, offers, cost);
      String again = "repeat with -Dkvasir.seed=" + seed + ", round " + round;
      double best = total(prompt, offers, plan, cost, plan.device());
      int bestEnd = plan.device();
      for (int end = plan.device() + 1; end <= blocks; end++) {
        if (usable(prompt, plan, end)) {
          double total = total(prompt, offers, plan, cost, end);
          if (total < best) {
            best = total;
            bestEnd = end;
          }
        }
      }
      assertEquals(bestEnd, plan.end(), again);
      assertTrue(plan.end() >= plan.device() && plan.end() <= plan.usable(), again);
      assertEquals(
          total(prompt, offers, plan, cost, plan.end()),
          plan.loadSeconds()
              + cost.seconds(plan.end() * shape.slots(), prompt.promptTokens()),
          1e-9,
          again);
    }
  }

  private static List<BitSet> random(Random random, int groups, int blocks, double share) {
    List<BitSet> sets = new ArrayList<>();
    for (int group = 0; group < groups; group++) {
      BitSet set = new BitSet();
      for (int block = 0; block < blocks; block++) {
        set.set(block, random.nextDouble() < share);
      }
      sets.add(set);
    }
    return sets;
  }

  private static boolean usable(Prompt prompt, Plan plan, int end) {
    for (int group = 0; group < prompt.onDevice().size(); group++) {
      for (int block = prompt.shape().firstNeeded(group, end); block < end; block++) {
        if (!prompt.onDevice().get(group).get(block) && plan.from()[group][block] < 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static double total(
      Prompt prompt, List<Offer> offers, Plan plan, PrefillCost cost, int end) {
    double seconds = cost.seconds(end * prompt.shape().slots(), prompt.promptTokens());
    for (int i = 0; i < offers.size(); i++) {
      long bytes = 0;
      for (int group = 0; group < prompt.onDevice().size(); group++) {
        for (int block = prompt.shape().firstNeeded(group, end); block < end; block++) {
          bytes +=
              plan.from()[group][block] == i ? prompt.shape().groups().get(group).blockBytes() : 0;
        }
      }
      Offer offer = offers.get(i);
      seconds +=
          bytes == 0 || end == plan.device()
              ? 0
              : offer.queuedSeconds() + offer.fixedSeconds() + bytes / offer.bytesPerSecond();
    }
    return seconds;
  }
}
