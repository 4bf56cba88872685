package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.tier.HostTier.Filling;
import io.kvasir.actors.tier.HostTier.HostLease;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.transport.Region;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class LandingTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final int PART = 3;

  private final List<BlockPlace> places =
      BlockPlace.of(TestBlocks.keys(TestBlocks.PLAIN, "tenant", 1, 8), 0, 8);
  private final ArrayDeque<Runnable> queued = new ArrayDeque<>();
  private final List<List<BlockPlace>> arrived = new ArrayList<>();
  private final HostTier tier = tier();

  private static HostTier tier() {
    AtomicInteger regions = new AtomicInteger();
    return new HostTier(
        TestBlocks.PLAIN,
        1 << 20,
        64,
        (memory, slotBytes) -> new Region(regions.getAndIncrement(), memory, slotBytes),
        Runnable::run,
        System::nanoTime,
        new SlotTable.Listener() {
          @Override
          public void added(BlockPlace place) {}

          @Override
          public void removed(BlockId id) {}
        });
  }

  @AfterEach
  void nothingIsHeld() {
    assertEquals(0, tier.stats().filling());
    assertEquals(0, tier.stats().leases());
    tier.close();
    tier.freed().orTimeout(30, TimeUnit.SECONDS).join();
  }

  private Landing landing(Executor executor) {
    Landing landing = new Landing(tier, places, PART, LONG, executor, arrived::add);
    landing.begin();
    return landing;
  }

  private int[] sums(int i) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[TestBlocks.FULL.blockBytes()]);
    TestBlocks.fill(bytes, places.get(i).id());
    return TestBlocks.checksums(bytes, TestBlocks.FULL.layerCount());
  }

  private void runQueued() {
    for (Runnable work = queued.poll(); work != null; work = queued.poll()) {
      work.run();
    }
  }

  private BitSet present() {
    return tier.present(places);
  }

  private static BitSet bits(int... set) {
    BitSet bits = new BitSet();
    Arrays.stream(set).forEach(bits::set);
    return bits;
  }

  @Test
  void shouldTakeAPartInAsSoonAsItsLastBlockHasItsVerdict() {
    Landing landing = landing(queued::add);
    assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7), landing.wanted());
    for (int i : List.of(1, 3, 0)) {
      landing.settle(i, sums(i));
    }
    assertTrue(queued.isEmpty(), "block 2 has no verdict yet");
    landing.settle(2, sums(2));
    assertTrue(present().isEmpty(), "the caller of settle never meets the tier's lock");
    runQueued();
    assertEquals(bits(0, 1, 2), present());
    assertEquals(List.of(places.subList(0, 3)), arrived);
    try (HostLease lease = tier.keep(places.subList(0, 3), 1, LONG)) {
      assertTrue(Arrays.equals(sums(2), lease.checksums(2)));
    }
    CompletableFuture<Void> end = landing.end();
    assertTrue(end.isDone());
    assertEquals(bits(0, 1, 2, 3), present(), "what was delivered of a part that broke off");
    assertEquals(3, arrived.size());
  }

  @Test
  void shouldFreeTheSlotsOfWhatWasRefused() {
    Landing landing = landing(Runnable::run);
    for (int i = 0; i < 8; i++) {
      landing.settle(i, i == 4 ? null : sums(i));
    }
    assertEquals(bits(0, 1, 2, 3, 5, 6, 7), present());
    assertTrue(landing.end().isDone());
    assertEquals(3, arrived.size(), "each part arrives once");
  }

  @Test
  void shouldWaitForWhatOthersBringAndAskForTheRest() {
    Filling others = tier.reserve(places.subList(0, 4));
    Landing landing = landing(Runnable::run);
    assertEquals(List.of(4, 5, 6, 7), landing.wanted());
    for (int i = 4; i < 8; i++) {
      landing.settle(i, sums(i));
    }
    CompletableFuture<Void> end = landing.end();
    assertEquals(List.of(places.subList(6, 8)), arrived);
    assertFalse(end.isDone());
    others.commit(List.of(sums(0), sums(1), sums(2), sums(3)));
    assertTrue(end.isDone());
    assertEquals(3, arrived.size());
    assertEquals(8, present().cardinality());
  }

  @Test
  void shouldTakeInAtTheEndWhatAStoppingExecutorWouldNot() {
    Landing landing =
        landing(
            work -> {
              throw new RejectedExecutionException("stopping");
            });
    for (int i = 0; i < 8; i++) {
      landing.settle(i, sums(i));
    }
    assertTrue(present().isEmpty());
    assertTrue(landing.end().isDone());
    assertEquals(8, present().cardinality());
    assertEquals(3, arrived.size());
  }
}
