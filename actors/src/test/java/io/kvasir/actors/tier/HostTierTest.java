package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.transport.BlockRef;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class HostTierTest extends BlockTierContract {
  private static final long BYTES = (long) CAPACITY * (1024 + 256);

  private final AtomicLong pausedNs = new AtomicLong();
  private final Set<BlockId> announced = new HashSet<>();
  private HostTier tier;

  @BeforeEach
  void openTier() {
    AtomicInteger regions = new AtomicInteger();
    tier =
        new HostTier(
            SHAPE,
            BYTES,
            64,
            (arena, bytes, slotBytes) ->
                TestBlocks.region(regions.getAndIncrement(), arena, bytes, slotBytes),
            Runnable::run,
            () -> System.nanoTime() + pausedNs.get(),
            new SlotTable.Listener() {
              @Override
              public void added(BlockPlace place) {
                assertTrue(announced.add(place.id()), "announced twice");
              }

              @Override
              public void removed(BlockId id) {
                assertTrue(announced.remove(id), "removed without having been announced");
              }
            });
  }

  @AfterEach
  void closeTier() {
    tier.close();
    tier.freed().orTimeout(30, TimeUnit.SECONDS).join();
    assertTrue(announced.isEmpty(), "the directory is told of every end");
  }

  @Override
  BlockTier tier() {
    return tier;
  }

  @Override
  void corrupt(BlockPlace place) {
    corrupt(tier, place);
  }

  static void corrupt(HostTier tier, BlockPlace place) {
    try (HostLease lease = tier.keep(List.of(place), 1, LONG)) {
      MemorySegment memory = lease.segment(0);
      byte was = memory.get(ValueLayout.JAVA_BYTE, 17);
      memory.set(ValueLayout.JAVA_BYTE, 17, (byte) (was ^ 4));
    }
  }

  @Override
  int heldCount() {
    tier.expire();
    TierStats stats = tier.stats();
    return stats.leases() + stats.filling();
  }

  private HostFilling fill(List<BlockPlace> places) {
    HostFilling filling = tier.reserve(places);
    for (int i = 0; i < places.size(); i++) {
      if (filling.outcome(i) == HostFilling.Outcome.RESERVED) {
        TestBlocks.fill(filling.segment(i), places.get(i).id());
      }
    }
    return filling;
  }

  private static List<int[]> sums(HostFilling filling) {
    List<int[]> sums = new ArrayList<>();
    for (int i = 0; i < filling.blocks().size(); i++) {
      BlockShape.Group group = SHAPE.groups().get(filling.blocks().get(i).id().group());
      sums.add(
          filling.outcome(i) == HostFilling.Outcome.RESERVED
              ? TestBlocks.checksums(filling.segment(i), group.layerCount())
              : null);
    }
    return sums;
  }

  @Test
  void shouldHideBlocksThatAreBeingFilled() {
    List<BlockPlace> chain = chain(30, 2);
    HostFilling filling = fill(chain);
    assertTrue(tier.find(chain).isEmpty());
    HostFilling second = tier.reserve(chain);
    assertEquals(HostFilling.Outcome.UNDER_WAY, second.outcome(0));
    assertFalse(second.others().isDone());
    filling.commit(sums(filling));
    assertTrue(second.others().isDone());
    assertEquals(4, tier.find(chain).cardinality());
    second.abandon();
    assertThrows(IllegalStateException.class, () -> filling.commit(sums(filling)));
  }

  @Test
  void shouldFreeWhatWasNotFilled() {
    List<BlockPlace> chain = chain(31, 2);
    HostFilling filling = fill(chain);
    List<int[]> sums = new ArrayList<>(sums(filling));
    sums.set(1, null);
    filling.commit(sums);
    assertEquals(3, tier.stats().blocks());
    assertEquals(2L * 1024 + 256, tier.stats().usedBytes());
    HostFilling second = tier.reserve(chain);
    assertEquals(HostFilling.Outcome.RESERVED, second.outcome(1), "the key is free again");
    second.abandon();
  }

  @Test
  void shouldRenewASlotBeforeItIsUsedAgain() {
    List<BlockPlace> chain = chain(32, 1);
    HostFilling filling = fill(chain);
    BlockRef before = filling.ref(0);
    filling.commit(sums(filling));
    tier.evict(chain, LONG);
    HostFilling again = tier.reserve(chain(33, 1));
    assertEquals(before.slot(), again.ref(0).slot());
    assertNotEquals(before.generation(), again.ref(0).generation());
    again.abandon();
  }

  @Test
  void shouldEndAllLeasesOfAnOwner() {
    List<BlockPlace> chain = chain(34, 2);
    HostFilling filling = fill(chain);
    filling.commit(sums(filling));
    HostLease mine = tier.keep(chain, 5, LONG);
    HostLease theirs = tier.keep(chain, 6, LONG);
    tier.release(5);
    assertFalse(mine.valid());
    assertTrue(theirs.valid());
    assertTrue(BlockTierContract.get(tier.evict(chain, LONG)).isEmpty());
    theirs.close();
    assertEquals(4, BlockTierContract.get(tier.evict(chain, LONG)).cardinality());
  }

  @Test
  void shouldRefuseALeaseThatTimeHasOvertakenEvenBeforeItIsSweptUp() {
    List<BlockPlace> chain = chain(35, 1);
    HostFilling filling = fill(chain);
    filling.commit(sums(filling));
    HostLease lease = tier.keep(chain, 5, Duration.ofSeconds(10));
    assertTrue(lease.valid());
    pausedNs.set(TimeUnit.SECONDS.toNanos(60));
    assertFalse(lease.valid());
    lease.close();
  }

  /** Law 3: random use against a plain model ends with no lease and the exact bytes. */
  @Test
  void shouldAgreeWithAModelUnderRandomUse() {
    long seed = Long.getLong("kvasir.seed", System.nanoTime());
    Random random = new Random(seed);
    String again = "repeat with -Dkvasir.seed=" + seed;
    List<List<BlockPlace>> chains = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      chains.add(chain(100 + i, 1 + random.nextInt(12)));
    }
    List<HostLease> leases = new ArrayList<>();
    List<HostFilling> fillings = new ArrayList<>();
    for (int step = 0; step < 4000; step++) {
      List<BlockPlace> chain = chains.get(random.nextInt(chains.size()));
      switch (random.nextInt(6)) {
        case 0, 1 -> fillings.add(fill(chain));
        case 2 -> {
          if (!fillings.isEmpty()) {
            HostFilling filling = fillings.remove(random.nextInt(fillings.size()));
            List<int[]> sums = new ArrayList<>(sums(filling));
            sums.replaceAll(s -> random.nextInt(5) == 0 ? null : s);
            filling.commit(sums);
          }
        }
        case 3 -> leases.add(tier.keep(chain, random.nextInt(3), LONG));
        case 4 -> {
          if (!leases.isEmpty()) {
            leases.remove(random.nextInt(leases.size())).close();
          } else {
            tier.release(random.nextInt(3));
          }
        }
        default -> tier.evict(chain, LONG);
      }
      TierStats stats = tier.stats();
      assertTrue(stats.usedBytes() <= stats.capacityBytes(), again);
      assertEquals(announced.size(), stats.blocks(), again);
      BitSet found = tier.find(chain);
      for (int i = 0; i < chain.size(); i++) {
        assertEquals(announced.contains(chain.get(i).id()), found.get(i), again);
      }
      for (HostLease lease : leases) {
        BitSet pinned = lease.pinned();
        if (lease.valid() && !pinned.isEmpty() && step % 16 == 0) {
          assertTrue(lease.prove(pinned.nextSetBit(0)), again);
        }
      }
    }
    leases.forEach(HostLease::close);
    fillings.forEach(HostFilling::abandon);
    for (List<BlockPlace> chain : chains) {
      try (HostLease lease = tier.keep(chain, 9, LONG)) {
        for (int i = lease.pinned().nextSetBit(0); i >= 0; i = lease.pinned().nextSetBit(i + 1)) {
          assertTrue(TestBlocks.isBlock(lease.segment(i), chain.get(i).id()), again);
        }
      }
    }
    assertEquals(0, heldCount(), again);
    assertEquals(0, tier.stats().corrupt(), again);
    tier.clear();
    assertEquals(0, tier.stats().usedBytes(), again);
  }

  @Test
  void shouldHoldNothingWithoutMemory() {
    HostTier none =
        new HostTier(
            SHAPE,
            1,
            4,
            (memory, bytes, slotBytes) -> TestBlocks.region(0, memory, bytes, slotBytes),
            Runnable::run,
            System::nanoTime,
            TestBlocks.UNTOLD);
    assertEquals(HostFilling.Outcome.FULL, none.reserve(chain(1, 1)).outcome(0));
    assertEquals(2, none.stats().full());
    none.close();
  }

  @Test
  void shouldSayNothingMoreOfABlockWhenItsLeaseHasEnded() {
    List<BlockPlace> places = BlockPlace.of(TestBlocks.keys(SHAPE, "tenant", 77, 1), 0, 1);
    HostFilling filling = fill(places);
    filling.commit(sums(filling));
    HostLease ended = tier.keep(places, 1, LONG);
    HostLease overdue = tier.keep(places, 1, LONG);
    assertEquals(ended.ref(0), ended.kept(0).ref());
    assertEquals(ended.checksums(0), ended.kept(0).checksums());
    ended.close();
    assertNull(ended.kept(0));
    pausedNs.addAndGet(LONG.toNanos());
    assertNull(overdue.kept(0), "not yet ended, but no longer granted");
    overdue.close();
  }
}
