package io.kvasir.runtime.cache;

import static io.kvasir.runtime.cache.CacheFixture.SLOTS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.KvView;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Prefix reuse, sharing, eviction and isolation. */
final class KvCacheTest {
  private static int[] tokens(int count, long seed) {
    return new Random(seed).ints(count, 0, 1000).toArray();
  }

  @Test
  void shouldAttachTheWholePromptWhenEveryBlockIsCached() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      int[] prompt = tokens(64, 1);
      SequenceCache first = f.open();
      f.compute(first, prompt, 64);
      first.close();
      SequenceCache second = f.open();

      assertEquals(64, f.cache.attachPrefix(second, prompt, 64));

      assertEquals(64, second.committed(0));
      // The recomputed last row, index 63, sees indices 40 to 63.
      assertEquals(32, second.dropped(1));
      f.assertContent(second, prompt, 64);
      second.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldAttachOnlyFullBlocksOfTheCommonPrefix() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] prompt = tokens(60, 2);
      SequenceCache first = f.open();
      f.compute(first, prompt, 60);
      int[] other = prompt.clone();
      other[40]++;
      SequenceCache second = f.open();

      assertEquals(32, f.cache.probePrefix("tenant", other, 60));
      assertEquals(32, f.cache.attachPrefix(second, other, 60));

      f.compute(second, other, 60);
      f.assertContent(second, other, 60);
      f.assertContent(first, prompt, 60);
      assertEquals(first.view(0).frames[1], second.view(0).frames[1]);
      assertNotEquals(first.view(0).frames[2], second.view(0).frames[2]);
      first.close();
      second.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldHitAWindowGroupByItsLastBlocksAlone() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(20), 1 << 16)) {
      int[] prompt = tokens(96, 3);
      SequenceCache first = f.open();
      f.compute(first, prompt, 96);
      first.dropBefore(1, 96 - 20 + 1);
      assertEquals(64, first.dropped(1));
      f.assertContent(first, prompt, 96);
      // Pressure takes the dropped blocks; the last ones are still referenced.
      f.cache.evictUnreferenced();

      SequenceCache all = f.open();
      assertEquals(96, f.cache.attachPrefix(all, prompt, 96));
      f.assertContent(all, prompt, 96);
      // Shorter prefixes would need window blocks that are gone.
      SequenceCache some = f.open();
      assertEquals(0, f.cache.attachPrefix(some, prompt, 80));
      first.close();
      all.close();
      some.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldNeverHitAcrossTenants() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] prompt = tokens(48, 4);
      SequenceCache first = f.open("red");
      f.compute(first, prompt, 48);

      assertEquals(0, f.cache.probePrefix("blue", prompt, 48));
      assertEquals(48, f.cache.probePrefix("red", prompt, 48));
      first.close();
    }
  }

  @Test
  void shouldHitAfterPreemptionAndKeepOnlyWhatIsWorthKeeping() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] prompt = tokens(64, 5);
      SequenceCache sequence = f.open();
      f.compute(sequence, prompt, 64);
      sequence.keepOnly(40);
      sequence.close();

      assertEquals(32, f.cache.probePrefix("tenant", prompt, 64));
      assertEquals(2 * 512, f.cache.usedBytes());
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldShareOnePageWhenTwoSequencesComputeTheSameBlock() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] prompt = tokens(32, 6);
      SequenceCache first = f.open();
      SequenceCache second = f.open();
      f.compute(first, prompt, 32);
      f.compute(second, prompt, 32);

      assertEquals(2, f.cache.stats().duplicateBlocks());
      assertEquals(2 * 512, f.cache.usedBytes());
      f.assertContent(second, prompt, 32);
      first.close();
      f.assertContent(second, prompt, 32);
      second.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldCopyASharedBlockBeforeItIsWritten() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] prompt = tokens(48, 7);
      SequenceCache first = f.open();
      f.compute(first, prompt, 48);
      SequenceCache second = f.open();
      f.cache.attachPrefix(second, prompt, 48);

      f.write(second, 0, 20, 12345);

      f.assertContent(first, prompt, 48);
      f.assertEntry(second.view(0), 0, 1, 20, 12345, "written");
      f.assertEntry(second.view(1), 1, 0, 21, CacheFixture.stamps(prompt, 48)[21], "beside it");
      assertEquals(1, f.cache.stats().copiedPages());
      // What follows is no longer a function of the tokens alone: nothing more is published.
      int blocks = f.cache.stats().blocks();
      second.reserve(16);
      second.commit();
      assertEquals(0, second.sealTokens(tokens(16, 8), 0, 16));
      assertEquals(blocks, f.cache.stats().blocks());
      first.close();
      second.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldPublishDerivedBlocksUnderAnotherKey() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] prompt = tokens(32, 9);
      SequenceCache sequence = f.open();
      f.compute(sequence, prompt, 16);
      sequence.derive(new byte[] {1, 2, 3});
      f.compute(sequence, prompt, 32);

      assertEquals(2, f.cache.stats().blocks());
      assertEquals(16, f.cache.probePrefix("tenant", prompt, 32));
      sequence.close();
    }
  }

  @Test
  void shouldTellBlocksWithDifferentMediaApart() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] prompt = tokens(32, 10);
      SequenceCache cat = f.open();
      cat.blockExtras(media((byte) 1));
      f.compute(cat, prompt, 32);
      SequenceCache dog = f.open();
      dog.blockExtras(media((byte) 2));
      SequenceCache sameCat = f.open();
      sameCat.blockExtras(media((byte) 1));

      assertEquals(16, f.cache.attachPrefix(dog, prompt, 32));
      assertEquals(32, f.cache.attachPrefix(sameCat, prompt, 32));
      cat.close();
      dog.close();
      sameCat.close();
    }
  }

  private static BlockExtras media(byte image) {
    return (block, from, to) ->
        block == 1 ? KeyExtras.NONE.with(KeyExtras.MEDIA, new byte[] {image}) : KeyExtras.NONE;
  }

  @Test
  void shouldEvictChainsFromTheirTailAndLeastRecentlyReleasedFirst() {
    List<String> gone = new ArrayList<>();
    BlockListener listener =
        new BlockListener() {
          @Override
          public void sealed(
              int group, long high, long low, long rootHigh, long rootLow, int index) {}

          @Override
          public void evicted(int group, long high, long low) {
            gone.add(new BlockKey(high, low).toString());
          }
        };
    // 16 pages of 512 bytes.
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 16 * 512, listener)) {
      int[] old = tokens(4 * SLOTS, 11);
      int[] young = tokens(4 * SLOTS, 12);
      for (int[] prompt : List.of(old, young)) {
        SequenceCache sequence = f.open();
        f.compute(sequence, prompt, prompt.length);
        sequence.close();
      }
      SequenceCache hungry = f.open();
      assertTrue(hungry.reserve(10 * SLOTS));

      assertEquals(2, gone.size());
      assertEquals(2 * SLOTS, f.cache.probePrefix("tenant", old, old.length));
      assertEquals(4 * SLOTS, f.cache.probePrefix("tenant", young, young.length));
      assertFalse(hungry.reserve(7 * SLOTS));
      assertEquals(10 * SLOTS, hungry.reserved(0));
      assertEquals(1, f.cache.stats().refusedReservations());
      assertEquals(2, gone.size(), "a refused reservation evicts nothing");
      hungry.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldShareEverythingWithAForkUntilOneOfThemWrites() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      int[] prompt = tokens(40, 13);
      SequenceCache first = f.open();
      f.compute(first, prompt, 40);
      long before = f.cache.usedBytes();
      SequenceCache second = first.fork(99, 1000);
      assertEquals(before, f.cache.usedBytes());

      int[] longer = tokens(50, 14);
      System.arraycopy(prompt, 0, longer, 0, 40);
      f.compute(second, longer, 50);

      f.assertContent(first, prompt, 40);
      f.assertContent(second, longer, 50);
      f.compute(first, longer, 50);
      f.assertContent(first, longer, 50);
      first.close();
      f.assertContent(second, longer, 50);
      second.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldRefuseUseAfterRelease() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      SequenceCache sequence = f.open();
      sequence.close();
      sequence.close();

      assertThrows(IllegalStateException.class, () -> sequence.reserve(1));
      assertThrows(IllegalStateException.class, () -> sequence.view(0));
      assertThrows(IllegalStateException.class, sequence::commit);
    }
  }

  @Test
  void shouldReleaseWhatAnOverdueOwnerHolds() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      SequenceCache late = f.cache.newSequence(7, "t", 100);
      SequenceCache alsoLate = f.cache.newSequence(7, "t", 500);
      SequenceCache fine = f.cache.newSequence(8, "t", 100);
      f.compute(late, tokens(20, 15), 20);
      fine.renewLease(1000);
      f.nowNs = 100;

      assertArrayEquals(new long[] {7}, f.cache.leases().overdueOwners());
      assertEquals(2, f.cache.leases().releaseOwner(7));

      assertTrue(late.isClosed());
      assertTrue(alsoLate.isClosed());
      assertFalse(fine.isClosed());
      assertFalse(late.renewLease(2000));
      assertEquals(1, f.cache.leaseCount());
      fine.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldContinueAnImportedSequenceInAnotherCache() {
    record Sampler(long counter) {}
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16);
        CacheFixture g = new CacheFixture(CacheFixture.twoGroups(24), 1 << 15)) {
      int[] prompt = tokens(90, 16);
      SequenceCache first = f.open();
      f.compute(first, prompt, 70);
      first.dropBefore(1, 70 - 24);
      SequenceSnapshot snapshot = first.export().with(Sampler.class, new Sampler(5));
      first.close();

      SequenceCache second = g.cache.importSequence(snapshot, 3, "tenant", 1000);

      assertEquals(5, snapshot.part(Sampler.class).counter());
      assertNull(snapshot.part(String.class));
      assertEquals(70, snapshot.committed(0));
      g.assertContent(second, prompt, 70);
      g.compute(second, prompt, 90);
      g.assertContent(second, prompt, 90);
      assertEquals(80, g.cache.probePrefix("tenant", prompt, 90));
      // Another tenant gets the sequence but publishes none of its blocks.
      SequenceCache foreign = g.cache.importSequence(snapshot, 4, "other", 1000);
      assertEquals(0, g.cache.probePrefix("other", prompt, 70));
      second.close();
      foreign.close();
      g.assertNothingHeld();
    }
  }

  @Test
  void shouldRefuseASnapshotOfAnotherLayout() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16);
        CacheFixture g = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      SequenceCache first = f.open();
      SequenceSnapshot snapshot = first.export();

      assertThrows(
          IllegalArgumentException.class,
          () -> g.cache.importSequence(snapshot, 1, "tenant", 1000));
      assertEquals(0, g.cache.leaseCount());
      first.close();
    }
  }

  @Test
  void shouldReuseTheViewOfALayerGroup() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      SequenceCache sequence = f.open();
      f.compute(sequence, tokens(20, 17), 20);
      KvView view = sequence.view(0);
      long first = view.layerOffsetBytes;

      assertSame(view, sequence.view(2));
      assertEquals(first + 256, view.layerOffsetBytes);
      assertSame(view, sequence.view(5));
      assertEquals(256, view.layerOffsetBytes);
      sequence.close();
    }
  }

  @Test
  void shouldRefuseAnArenaSmallerThanOnePageOfEachSize() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new CacheFixture(CacheFixture.twoGroups(24), 1500).close());

    assertTrue(e.getMessage().contains("arenaBytes=1500"), e.getMessage());
  }

  @Test
  void shouldPromiseExactlyWhatItCanReserve() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 48 << 10)) {
      int[] filler = tokens(300, 18);
      SequenceCache cached = f.open();
      f.compute(cached, filler, 300);
      cached.close();
      int capacity = 0;
      while (f.cache.canReserve(capacity + 1)) {
        capacity++;
      }
      assertEquals(capacity, f.cache.capacityTokens());
      SequenceCache sequence = f.open();

      assertFalse(sequence.reserve(capacity + 1));
      assertTrue(sequence.reserve(capacity));
      assertFalse(f.cache.canReserve(sequence, 1));
      sequence.close();
      f.assertNothingHeld();
    }
  }
}
