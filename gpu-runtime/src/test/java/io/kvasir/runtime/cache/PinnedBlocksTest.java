package io.kvasir.runtime.cache;

import static io.kvasir.runtime.cache.CacheFixture.SLOTS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.KeyScheme;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What references to blocks prove, and what they do not outlive. */
final class PinnedBlocksTest {
  private static final int PROMPT = 4 * SLOTS;

  private static int[] tokens(int seed) {
    int[] tokens = new int[PROMPT];
    Arrays.setAll(tokens, i -> i * 31 + seed);
    return tokens;
  }

  private static BlockKeys computed(CacheFixture f, int seed) {
    SequenceCache sequence = f.open("tenant");
    f.compute(sequence, tokens(seed), PROMPT);
    sequence.close();
    return new KeyScheme(SLOTS, f.cache.keyDomains()).keys("tenant", tokens(seed), PROMPT);
  }

  @Test
  void shouldFailLoudlyWhenAReferenceOutlivesItsPage() {
    // Room for four blocks: the second prompt takes the pages of the first.
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 4 * 512)) {
      BlockKeys first = computed(f, 1);
      BlockAccess blocks = f.cache.blocks();
      PinnedBlocks pin = blocks.newPin(1, 1000);
      assertTrue(blocks.pin(pin, 0, first.high(0, 0), first.low(0, 0)));
      assertEquals(0, pin.address(0) % 512);
      pin.close();
      BlockKeys second = computed(f, 2);

      assertFalse(blocks.isCached(0, first.high(0, 0), first.low(0, 0)));
      StalePageException stale = assertThrows(StalePageException.class, () -> pin.address(0));
      // Odd generations are lives: the page serves another block now.
      assertTrue(stale.actualGeneration() > stale.expectedGeneration());
      assertEquals(1, stale.actualGeneration() % 2);
      assertTrue(blocks.isCached(0, second.high(0, 3), second.low(0, 3)));
      assertThrows(IllegalStateException.class, () -> pin.add(1));
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldLeaveAnEighthOfTheArenaToSequences() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 16 * 512)) {
      BlockAccess blocks = f.cache.blocks();
      PinnedBlocks pin = blocks.newPin(1, 1000);
      for (int i = 0; i < 4; i++) {
        BlockKeys keys = computed(f, i);
        for (int b = 0; b < 4; b++) {
          boolean taken = blocks.pin(pin, 0, keys.high(0, b), keys.low(0, b));
          assertEquals(4 * i + b < 14, taken, "block " + (4 * i + b));
        }
      }
      assertEquals(14 * 512, f.cache.referencedBytes());
      assertEquals(0, blocks.stage(0, MemorySegment.ofArray(new byte[512])));
      pin.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldKeepChecksumsOfEveryLayerFromTheSealOn() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      BlockKeys before = computed(f, 1);
      BlockAccess blocks = f.cache.blocks();
      blocks.listen(BlockListener.NONE);
      BlockKeys after = computed(f, 2);
      for (BlockKeys keys : new BlockKeys[] {before, after}) {
        for (int g = 0; g < 2; g++) {
          long high = keys.high(g, 3);
          long low = keys.low(g, 3);
          int[] sums = blocks.checksums(g, high, low);
          assertEquals(g == 0 ? 2 : 3, sums.length);
          byte[] bytes = new byte[(int) f.layout.group(g).pageBytes()];
          assertTrue(blocks.copyOut(g, high, low, MemorySegment.ofArray(bytes)));
          PinnedBlocks pin = blocks.newPin(1, 1000);
          // What was sealed and what is checked after a copy must be the same function.
          long staged = blocks.stage(g, MemorySegment.ofArray(bytes));
          assertFalse(blocks.seal(pin, staged, g, 7, low, 7, 0, 9, sums, () -> false));
          assertFalse(blocks.isCached(g, 7, low), "what changed under the copy does not count");
          staged = blocks.stage(g, MemorySegment.ofArray(bytes));
          assertTrue(blocks.seal(pin, staged, g, 7, low, 7, 0, 9, sums, () -> true));
          assertArrayEquals(sums, blocks.checksums(g, 7, low));
          bytes[bytes.length - 1] ^= 1;
          staged = blocks.stage(g, MemorySegment.ofArray(bytes));
          assertFalse(blocks.seal(pin, staged, g, 8, low, 7, 0, 9, sums, () -> true));
          assertFalse(blocks.isCached(g, 8, low));
          pin.close();
        }
      }
      f.cache.evictUnreferenced();
      assertNull(blocks.checksums(0, 7, before.low(0, 3)));
    }
  }

  @Test
  void shouldNotTakeABlockForOneOfAnotherGroup() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      BlockKeys keys = computed(f, 1);
      assertTrue(f.cache.blocks().isCached(0, keys.high(0, 0), keys.low(0, 0)));
      assertFalse(f.cache.blocks().isCached(1, keys.high(0, 0), keys.low(0, 0)));
    }
  }

  @Test
  void shouldCountPinsAndSequencesApart() {
    CacheOptions options =
        CacheOptions.of(1 << 16).withSlots(SLOTS).withMaxSequences(2).withMaxPins(3);
    HeapPageDevice device = new HeapPageDevice();
    try (KvCache cache =
        KvCache.open(device, CacheFixture.oneGroup(), CacheFixture.DOMAIN, options)) {
      for (int i = 0; i < 3; i++) {
        cache.blocks().newPin(1, 10 + i);
      }
      assertTrue(
          assertThrows(IllegalStateException.class, () -> cache.blocks().newPin(1, 9))
              .getMessage()
              .contains("maxPins=3"));
      cache.newSequence(1, "a", 5);
      cache.newSequence(1, "a", 5);
      assertThrows(IllegalStateException.class, () -> cache.newSequence(1, "a", 5));
      assertEquals(5, cache.leaseCount());
      assertEquals(10, cache.blocks().nextPinDeadlineNs());
      assertEquals(0, cache.blocks().endOverduePins(9));
      assertEquals(2, cache.blocks().endOverduePins(11));
      assertEquals(12, cache.blocks().nextPinDeadlineNs());
      assertEquals(1, cache.blocks().releasePins(1), "sequences of the owner stay");
      assertEquals(2, cache.leaseCount());
    }
  }
}
