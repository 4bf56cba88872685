package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where K and V lie, and in which form of page, changes no bit (seam proof c). */
class HeadPageProofTest {
  private static final int[] PROMPT = SeamHarness.tokens(21, 5);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualTokenPagesWhenHeadPagesKeepAll(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache tokens = h.sequence();
        SequenceCache heads = h.sequence()) {
      h.plain(tokens, PROMPT);
      h.plain(heads, PROMPT);
      assertTrue(heads.toHeadPages(0, null));
      int[] more = SeamHarness.tokens(14, 6);
      assertBits("chunk", h.plain(tokens, more), h.plain(heads, more));
      for (int token : SeamHarness.tokens(3, 7)) {
        assertBits("step", h.plain(tokens, token), h.plain(heads, token));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualASequenceThatHadTheOverwritingEntryFromTheStart(DeviceCase device) {
    int[] tokens = SeamHarness.tokens(8, 8);
    int replacement = 50;
    int slot = 3;
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache overwritten = h.sequence();
        SequenceCache fromStart = h.sequence()) {
      int layers = h.model.layerCount();
      // Rows after the slot never see what stood there first.
      int[][] hidden = new int[8][];
      Arrays.fill(hidden, slot + 1, 8, new int[] {0, slot, slot + 1, 8});
      assertTrue(overwritten.toHeadPages(0, null));
      h.run(h.chunk(overwritten, tokens).policy((i, l, p) -> p.visibleRanges(hidden)));
      overwritten.commit();
      WorkItem writer = h.item(overwritten).rows(1, 8, layers).token(replacement);
      writer.policy((i, l, p) -> p.writeToHeads(new int[] {0}, new int[][] {{slot, slot}}));
      for (int layer = 0; layer < layers; layer++) {
        overwritten.setIndex(layer, 0, slot, 8);
        overwritten.setIndex(layer, 1, slot, 8);
      }
      float[] written = h.logits(writer)[0];
      assertEquals(8, overwritten.committed(0));

      assertTrue(fromStart.toHeadPages(0, null));
      tokens[slot] = replacement;
      WorkItem all = h.chunk(fromStart, tokens).indices(new int[] {0, 1, 2, 8, 4, 5, 6, 7});
      assertBits("overwriting row", h.logits(all)[slot], written);
      fromStart.commit();
      for (int next = 9; next < 12; next++) {
        WorkItem a = h.chunk(fromStart, next).indices(new int[] {next});
        WorkItem b = h.chunk(overwritten, next).indices(new int[] {next});
        assertBits("row " + next, h.logits(a), h.logits(b));
        fromStart.commit();
        overwritten.commit();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldNotDependOnWhichFramesHoldTheEntries(DeviceCase device) {
    int[] tokens = SeamHarness.tokens(60, 9);
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache ordered = h.sequence()) {
      float[][] expected = h.plain(ordered, tokens);
      long[] inOrder = Arrays.copyOf(ordered.view(0).frames, 4);
      SequenceCache[] fillers = new SequenceCache[6];
      for (int i = 0; i < fillers.length; i++) {
        fillers[i] = h.sequence();
        SeamHarness.reserve(fillers[i], 16);
      }
      for (int i : new int[] {4, 1, 5, 0, 3, 2}) {
        fillers[i].close();
      }
      try (SequenceCache shuffled = h.sequence()) {
        assertBits(expected, h.plain(shuffled, tokens));
        long[] frames = Arrays.copyOf(shuffled.view(0).frames, 4);
        assertTrue(
            !isEvenlySpaced(frames),
            "frames " + Arrays.toString(frames) + " after " + Arrays.toString(inOrder));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldContinueInASecondEngineAfterExportAndImport(DeviceCase device) {
    for (boolean headPages : new boolean[] {false, true}) {
      try (SeamHarness here = SeamHarness.open(device.open());
          SeamHarness there = SeamHarness.open(() -> Devices.cpu(1));
          SequenceCache source = here.sequence()) {
        float[][] prompt = here.plain(source, PROMPT);
        here.greedy(source, prompt[PROMPT.length - 1], 5);
        if (headPages) {
          source.toHeadPages(0, evictSome(here, source));
        }
        // Filler so that the second engine's frames are others.
        SeamHarness.reserve(there.sequence(), 40);
        try (SequenceCache target =
            there.cache.importSequence(source.export(), 7, "tenant", Long.MAX_VALUE)) {
          assertEquals(source.committed(0), target.committed(0));
          for (int index = 26; index < 30; index++) {
            WorkItem a = here.chunk(source, index).indices(new int[] {index});
            WorkItem b = there.chunk(target, index).indices(new int[] {index});
            assertBits("index " + index, here.logits(a), there.logits(b));
            source.commit();
            target.commit();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualMaskedTokenPagesAfterDroppingTheTail(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache dense = h.sequence();
        SequenceCache evicted = h.sequence()) {
      h.plain(dense, PROMPT);
      h.plain(evicted, PROMPT);
      int[][][] keep = new int[h.model.layerCount()][2][];
      for (int[][] layer : keep) {
        Arrays.fill(layer, SeamHarness.upTo(16));
      }
      assertTrue(evicted.toHeadPages(0, keep));
      WorkItem reader = h.item(dense).rows(1, 30, 4).readOnly().token(9);
      reader.policy((i, l, p) -> p.visibleRanges(new int[][] {{0, 16}}));
      WorkItem survivor = h.item(evicted).rows(1, 30, 4).readOnly().token(9);
      assertBits(h.logits(reader), h.logits(survivor));
    }
  }

  private static int[][][] evictSome(SeamHarness h, SequenceCache sequence) {
    int[][][] keep = new int[h.model.layerCount()][2][];
    for (int layer = 0; layer < keep.length; layer++) {
      for (int head = 0; head < 2; head++) {
        int drop = 3 + 2 * layer + head;
        keep[layer][head] =
            Arrays.stream(SeamHarness.upTo(sequence.committed(0)))
                .filter(e -> e % drop != 1)
                .toArray();
      }
    }
    return keep;
  }

  private static boolean isEvenlySpaced(long[] frames) {
    for (int i = 2; i < frames.length; i++) {
      if (frames[i] - frames[i - 1] != frames[1] - frames[0]) {
        return false;
      }
    }
    return true;
  }
}
