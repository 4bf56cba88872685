package io.kvasir.runtime.cache;

import static io.kvasir.runtime.cache.CacheFixture.SLOTS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.KvView;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Reserve, commit, path, abort, states, head pages: what a step does to one sequence. */
final class SequenceWriteTest {
  private static int[] count(int n) {
    int[] tokens = new int[n];
    Arrays.setAll(tokens, i -> i % 7);
    return tokens;
  }

  @Test
  void shouldCommitOnlyTheAcceptedPathOfATree() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      int[] tokens = count(20);
      SequenceCache sequence = f.open();
      f.compute(sequence, tokens, 14);
      long[] stamps = CacheFixture.stamps(tokens, 20);
      assertTrue(sequence.reserve(7));
      int[] depth = {0, 0, 1, 1, 2, 2, 3};
      int[] path = {1, 2, 5, 6};
      for (int g = 0; g < 2; g++) {
        for (int node = 0; node < 7; node++) {
          int onPath = Arrays.binarySearch(path, node);
          f.write(sequence, g, 14 + node, onPath >= 0 ? stamps[14 + onPath] : 99);
          sequence.setIndex(g, 14 + node, 14 + depth[node]);
        }
      }
      assertArrayEquals(
          new int[] {14, 14, 15, 15, 16, 16, 17},
          Arrays.copyOfRange(sequence.view(0).indices[0], 14, 21));

      sequence.commitPath(path);

      assertNull(sequence.view(0).indices, "a plain sequence again has implicit indices");
      f.assertContent(sequence, tokens, 18);
      assertEquals(1, sequence.sealTokens(tokens, 14, 18));
      f.compute(sequence, tokens, 20);
      f.assertContent(sequence, tokens, 20);
      assertThrows(
          IllegalArgumentException.class,
          () -> {
            sequence.reserve(3);
            sequence.commitPath(new int[] {1, 0});
          });
      sequence.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldLeaveCommittedBytesAloneWhenAborted() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] tokens = count(20);
      SequenceCache sequence = f.open();
      f.compute(sequence, tokens, 20);
      long used = f.cache.usedBytes();
      long epoch = sequence.epoch();
      sequence.reserve(40);
      for (int e = 20; e < 60; e++) {
        f.write(sequence, 0, e, e);
      }
      sequence.abort();

      assertEquals(used, f.cache.usedBytes());
      assertEquals(epoch + 1, sequence.epoch());
      f.assertContent(sequence, tokens, 20);
      assertThrows(IndexOutOfBoundsException.class, () -> f.write(sequence, 0, 20, 1));
      sequence.close();
    }
  }

  @Test
  void shouldReserveInOneGroupOnly() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      SequenceCache sequence = f.open();
      assertTrue(sequence.reserve(1, 5));
      assertEquals(0, sequence.reserved(0));
      sequence.commit();

      assertEquals(0, sequence.committed(0));
      assertEquals(5, sequence.committed(1));
      sequence.close();
    }
  }

  private static CacheLayout withState() {
    return CacheLayout.builder(3)
        .group(new int[] {0, 1}, CacheFixture.HEADS, CacheFixture.FRAME, 0, "g0")
        .state(2, "conv", 4)
        .build();
  }

  @Test
  void shouldRestoreStatesOnAbortAndKeepThemOnCommit() {
    try (CacheFixture f = new CacheFixture(withState(), 1 << 16)) {
      SequenceCache sequence = f.open();
      StateSpec conv = f.layout.states().get(0);
      float[] state = HeapPageDevice.values(sequence.state(conv));
      assertArrayEquals(new float[4], state);
      sequence.reserve(2);
      sequence.beforeStateWrite(conv);
      state[1] = 5;
      sequence.commit();
      sequence.reserve(2);
      sequence.beforeStateWrite(conv);
      state[1] = 6;
      sequence.beforeStateWrite(conv);
      state[2] = 7;
      assertThrows(IllegalStateException.class, () -> sequence.commit(1));
      sequence.abort();

      assertArrayEquals(new float[] {0, 5, 0, 0}, state);
      SequenceCache copy = f.cache.importSequence(sequence.export(), 9, "tenant", 1000);
      assertArrayEquals(state, HeapPageDevice.values(copy.state(conv)));
      SequenceCache fork = sequence.fork(9, 1000);
      assertArrayEquals(state, HeapPageDevice.values(fork.state(conv)));
      sequence.close();
      SequenceCache next = f.open();
      assertArrayEquals(new float[4], HeapPageDevice.values(next.state(conv)), "zero at first use");
      next.close();
      copy.close();
      fork.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldKeepOneListPerLayerAndHeadAfterEviction() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] tokens = count(40);
      long[] stamps = CacheFixture.stamps(tokens, 40);
      SequenceCache sequence = f.open();
      f.compute(sequence, tokens, 40);
      int[][][] keep = {{{0, 39}, null}, null};
      keep[1] = new int[][] {{}, {3, 4, 5}};

      assertTrue(sequence.toHeadPages(0, keep));

      KvView view = sequence.view(0);
      assertTrue(view.orderByEntry && view.headTableStride > 0);
      assertArrayEquals(new int[] {2, 40}, view.entryCounts);
      assertEquals(39, view.indices[0][1]);
      f.assertEntry(view, 0, 0, 1, stamps[39], "kept");
      f.assertEntry(view, 0, 1, 38, stamps[38], "all kept");
      view = sequence.view(1);
      assertArrayEquals(new int[] {0, 3}, view.entryCounts);
      f.assertEntry(view, 1, 1, 2, stamps[5], "kept");
      // The next token goes to the end of every list, at the true index.
      assertTrue(sequence.reserve(1));
      f.write(sequence, 0, sequence.committed(0), 77);
      sequence.commit();
      view = sequence.view(1);
      assertArrayEquals(new int[] {1, 4}, view.entryCounts);
      assertEquals(40, view.indices[0][0]);
      f.assertEntry(view, 1, 0, 0, 77, "appended");
      // The sealed blocks live on for others.
      assertEquals(32, f.cache.probePrefix("tenant", tokens, 40));
      sequence.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldOverwriteAVictimOnlyWhenTheStepCommits() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] tokens = count(SLOTS);
      long[] stamps = CacheFixture.stamps(tokens, SLOTS);
      SequenceCache sequence = f.open();
      f.compute(sequence, tokens, SLOTS);
      sequence.toHeadPages(0, null);
      long used = f.cache.referencedBytes();
      sequence.reserve(1);
      f.write(sequence, 0, sequence.committed(0), 5);
      f.assertEntry(sequence.view(0), 0, 0, 3, stamps[3], "victim is intact");
      sequence.commitReplacing(0, new int[][] {{3, 4}, {-1, 0}});

      KvView view = sequence.view(0);
      assertArrayEquals(new int[] {SLOTS, SLOTS}, view.entryCounts);
      f.assertEntry(view, 0, 0, 3, 5, "replaced");
      assertEquals(SLOTS, view.indices[0][3]);
      f.assertEntry(view, 0, 1, 4, 5, "replaced");
      view = sequence.view(1);
      assertArrayEquals(new int[] {SLOTS + 1, SLOTS}, view.entryCounts);
      f.assertEntry(view, 1, 0, SLOTS, 5, "appended");
      assertTrue(f.cache.referencedBytes() <= used + 512);
      sequence.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldPackTokenPagesAndKeepLogicalIndices() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 1 << 16)) {
      int[] tokens = count(64);
      long[] stamps = CacheFixture.stamps(tokens, 64);
      SequenceCache sequence = f.open();
      f.compute(sequence, tokens, 64);
      int[] keep = new int[30];
      for (int i = 0; i < 30; i++) {
        keep[i] = i < 20 ? i : 2 * i + 4;
      }
      assertTrue(sequence.retainEntries(0, keep));

      KvView view = sequence.view(1);
      assertEquals(30, view.entryCounts[0]);
      for (int i = 0; i < 30; i++) {
        assertEquals(keep[i], view.indices[1][i]);
        f.assertEntry(view, 1, 1, i, stamps[keep[i]], "kept");
      }
      assertEquals(64, sequence.nextIndex(0));
      assertEquals(64, f.cache.probePrefix("tenant", tokens, 64), "shared blocks are untouched");
      sequence.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldCarryPositionsAndWeightsThroughEveryForm() {
    CacheLayout layout =
        CacheLayout.builder(1)
            .group(new int[] {0}, CacheFixture.HEADS, CacheFixture.FRAME, 0, "g0")
            .positionAxes(3)
            .build();
    try (CacheFixture f = new CacheFixture(layout, 1 << 16)) {
      SequenceCache sequence = f.open();
      sequence.reserve(20);
      sequence.setPosition(0, 7, 1, 100);
      sequence.setLogWeight(0, 8, 0.5f);
      sequence.commit();
      assertArrayEquals(
          new int[] {7, 100, 7}, Arrays.copyOfRange(sequence.view(0).positions[1], 21, 24));
      sequence.toHeadPages(0, new int[][][] {{{7, 8}, {8}}});
      SequenceCache copy = f.cache.importSequence(sequence.export(), 1, "tenant", 1000);

      KvView view = copy.view(0);
      assertArrayEquals(new int[] {7, 100, 7}, Arrays.copyOf(view.positions[0], 3));
      assertArrayEquals(new int[] {8, 8, 8}, Arrays.copyOf(view.positions[1], 3));
      assertEquals(0.5f, view.logWeights[0][1]);
      assertEquals(0.5f, view.logWeights[1][0]);
      assertThrows(IndexOutOfBoundsException.class, () -> copy.setPosition(0, 0, 3, 1));
      copy.close();
      sequence.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldGiveBackPagesThatNoLaterRowSees() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      int[] tokens = count(100);
      SequenceCache sequence = f.open();
      for (int n = 1; n <= 100; n++) {
        f.compute(sequence, tokens, n);
        sequence.dropBefore(1, n - 24 + 1);
      }
      assertEquals(64, sequence.dropped(1));
      assertEquals(64, sequence.view(1).firstIndex);
      f.assertContent(sequence, tokens, 100);
      sequence.close();
      f.assertNothingHeld();
    }
  }

  @Test
  void shouldRefuseToConvertWithoutPagesAndChangeNothing() {
    try (CacheFixture f = new CacheFixture(CacheFixture.oneGroup(), 8 * 512)) {
      int[] tokens = count(80);
      SequenceCache sequence = f.open();
      f.compute(sequence, tokens, 80);

      assertFalse(sequence.toHeadPages(0, null));
      f.assertContent(sequence, tokens, 80);
      assertFalse(sequence.isHeadPaged(0));
      assertNotNull(sequence.view(0).frames);
      sequence.close();
      f.assertNothingHeld();
    }
  }
}
