package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.transport.LayerRange;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every tier keeps to. A subclass gives a tier of {@link #CAPACITY} blocks of {@link
 * TestBlocks#GROUPED} a group and says how its memory breaks.
 */
abstract class BlockTierContract {
  static final int CAPACITY = 24;
  static final BlockShape SHAPE = TestBlocks.GROUPED;
  static final Duration LONG = Duration.ofSeconds(30);

  private Arena arena;

  /** The empty tier of this test. */
  abstract BlockTier tier();

  /** Changes a byte of a block where the tier keeps it. */
  abstract void corrupt(BlockPlace place);

  /** Makes sure that the next load takes the blocks from the tier itself. */
  void forgetNearby(List<BlockPlace> places) {}

  /** Leases, loans and slots not at rest. */
  abstract int heldCount();

  @BeforeEach
  void openArena() {
    arena = Arena.ofShared();
  }

  @AfterEach
  void everythingIsAtRest() {
    TestNodes.await("leases end", () -> heldCount() == 0);
    arena.close();
  }

  static <T> T get(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
  }

  List<BlockPlace> chain(int seed, int blocks) {
    return chain("tenant", seed, blocks);
  }

  List<BlockPlace> chain(String salt, int seed, int blocks) {
    BlockKeys keys = TestBlocks.keys(SHAPE, salt, seed, blocks);
    return BlockPlace.of(keys, 0, blocks);
  }

  BitSet store(List<BlockPlace> places) {
    BitSet stored = get(tier().store(TestBlocks.sealed(arena, SHAPE, places), LONG));
    forgetNearby(places);
    return stored;
  }

  BitSet lookup(List<BlockPlace> places) {
    return get(tier().lookup(places, LONG));
  }

  List<BlockTier.Target> targets(List<BlockPlace> places) {
    return places.stream()
        .map(
            place ->
                new BlockTier.Target(
                    place, arena.allocate(SHAPE.groups().get(place.id().group()).blockBytes(), 64)))
        .toList();
  }

  @Test
  void shouldGiveBackWhatWasStored() {
    List<BlockPlace> chain = chain(1, 5);
    assertEquals(TestBlocks.all(chain.size()), store(chain));
    assertEquals(TestBlocks.all(chain.size()), lookup(chain));
    List<BlockTier.Target> targets = targets(chain);
    List<int[]> sums = get(tier().load(targets, LayerRange.ALL, LONG));
    for (int i = 0; i < chain.size(); i++) {
      MemorySegment memory = targets.get(i).memory();
      assertTrue(TestBlocks.isBlock(memory, chain.get(i).id()), "bytes of block " + i);
      int layers = SHAPE.groups().get(chain.get(i).id().group()).layerCount();
      assertArrayEquals(TestBlocks.checksums(memory, layers), sums.get(i));
    }
  }

  @Test
  void shouldLoadALayerAloneAtItsPlace() {
    List<BlockPlace> chain = chain(2, 1);
    store(chain);
    List<BlockTier.Target> targets = targets(chain.subList(0, 1));
    List<int[]> sums = get(tier().load(targets, LayerRange.of(2), LONG));
    MemorySegment memory = targets.getFirst().memory();
    int layerBytes = SHAPE.groups().getFirst().blockBytes() / 4;
    byte[] whole = new byte[4 * layerBytes];
    TestBlocks.fill(MemorySegment.ofArray(whole), chain.getFirst().id());
    assertEquals(4, sums.getFirst().length);
    assertEquals(
        -1,
        memory
            .asSlice(2L * layerBytes, layerBytes)
            .mismatch(MemorySegment.ofArray(whole).asSlice(2L * layerBytes, layerBytes)));
    assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, 0), "layer 0 was not asked for");
    assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, 3L * layerBytes));
  }

  @Test
  void shouldNotFindWhatWasNeverStored() {
    store(chain(3, 2));
    List<BlockPlace> other = chain(4, 3);
    assertTrue(lookup(other).isEmpty());
    assertNull(get(tier().load(targets(other), LayerRange.ALL, LONG)).getFirst());
    assertTrue(get(tier().pin(other, 7, LONG)).pinned().isEmpty());
    assertEquals(
        TestBlocks.all(other.size()), get(tier().evict(other, LONG)), "what is not there is gone");
  }

  @Test
  void shouldRefuseABlockWhoseChecksumIsWrong() {
    BlockTier.Sealed good = TestBlocks.sealed(arena, SHAPE, chain(5, 1).getFirst());
    int[] wrong = good.layerChecksums().clone();
    wrong[3] ^= 1;
    BlockTier.Sealed bad = new BlockTier.Sealed(good.place(), good.memory(), wrong);
    assertTrue(get(tier().store(List.of(bad), LONG)).isEmpty());
    assertTrue(lookup(List.of(good.place())).isEmpty());
    assertEquals(
        TestBlocks.all(1), get(tier().store(List.of(good), LONG)), "the slot is free again");
  }

  @Test
  void shouldKeepPinnedBlocksUntilTheLeaseEnds() {
    List<BlockPlace> chain = chain(6, 3);
    store(chain);
    TierLease lease = get(tier().pin(chain, 7, LONG));
    assertEquals(TestBlocks.all(chain.size()), lease.pinned());
    assertTrue(get(tier().evict(chain, LONG)).isEmpty());
    assertEquals(TestBlocks.all(chain.size()), lookup(chain));
    lease.close();
    lease.close();
    TestNodes.await("the loan ends", () -> heldCount() == 0);
    assertEquals(TestBlocks.all(chain.size()), get(tier().evict(chain, LONG)));
    assertTrue(lookup(chain).isEmpty());
  }

  @Test
  void shouldEndALeaseAtItsDeadline() {
    List<BlockPlace> chain = chain(7, 2);
    store(chain);
    TierLease lease = get(tier().pin(chain, 7, Duration.ofMillis(300)));
    assertEquals(chain.size(), lease.pinned().cardinality());
    TestNodes.await("the lease expires", () -> heldCount() == 0);
    assertEquals(TestBlocks.all(chain.size()), get(tier().evict(chain, LONG)));
    lease.close();
  }

  @Test
  void shouldHoldABlockOnceHoweverManyStoreItAtOnce() {
    List<BlockPlace> chain = chain(8, 4);
    List<BlockTier.Sealed> blocks = TestBlocks.sealed(arena, SHAPE, chain);
    List<CompletionStage<BitSet>> stores = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      stores.add(tier().store(blocks, LONG));
    }
    stores.forEach(store -> assertEquals(TestBlocks.all(chain.size()), get(store)));
    assertEquals(TestBlocks.all(chain.size()), get(tier().evict(chain, LONG)));
    assertTrue(lookup(chain).isEmpty(), "one eviction is enough");
  }

  @Test
  void shouldLetSuffixesGoFirst() {
    List<List<BlockPlace>> chains = new ArrayList<>();
    for (int seed = 0; seed < 5; seed++) {
      chains.add(chain(20 + seed, CAPACITY / 3));
      store(chains.getLast());
    }
    int found = 0;
    for (List<BlockPlace> chain : chains) {
      BitSet held = lookup(chain);
      found += held.cardinality();
      for (int group = 0; group < SHAPE.groups().size(); group++) {
        boolean gap = false;
        for (int i = group; i < chain.size(); i += SHAPE.groups().size()) {
          assertFalse(gap && held.get(i), "a block behind a gap of " + chain.get(i));
          gap |= !held.get(i);
        }
      }
    }
    assertTrue(found >= CAPACITY, "found=" + found + ": the tier keeps what fits");
    assertEquals(
        TestBlocks.all(chains.getLast().size()), lookup(chains.getLast()), "the newest is whole");
    assertTrue(lookup(chains.getFirst()).isEmpty(), "the oldest had to go");
  }

  @Test
  void shouldKeepTenantsApartByTheirKeysAlone() {
    store(chain("one", 9, 3));
    assertTrue(lookup(chain("two", 9, 3)).isEmpty());
    assertEquals(6, lookup(chain("one", 9, 3)).cardinality());
  }

  @Test
  void shouldDropABlockWhoseMemoryHasChanged() {
    List<BlockPlace> chain = chain(10, 3);
    store(chain);
    BlockPlace broken = chain.get(2);
    corrupt(broken);
    List<int[]> sums = get(tier().load(targets(chain), LayerRange.ALL, LONG));
    assertNull(sums.get(2));
    assertNotNull(sums.get(0));
    assertNotNull(sums.get(3));
    TestNodes.await("it is dropped", () -> lookup(List.of(broken)).isEmpty());
    store(List.of(broken));
    assertNotNull(get(tier().load(targets(List.of(broken)), LayerRange.ALL, LONG)).getFirst());
  }

  @Test
  void shouldTakeNoMoreThanFits() {
    List<BlockPlace> chain = chain(11, 2 * CAPACITY);
    TierLease first = null;
    BitSet stored = store(chain.subList(0, 2 * CAPACITY));
    assertEquals(2 * CAPACITY, stored.cardinality());
    try {
      first = get(tier().pin(chain.subList(0, 2 * CAPACITY), 7, LONG));
      assertTrue(store(chain.subList(2 * CAPACITY, 4 * CAPACITY)).isEmpty(), "all slots are kept");
      assertEquals(2 * CAPACITY, lookup(chain).cardinality());
    } finally {
      first.close();
    }
  }
}
