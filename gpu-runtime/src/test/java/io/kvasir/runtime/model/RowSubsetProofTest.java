package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static io.kvasir.runtime.model.SeamHarness.pick;
import static io.kvasir.runtime.model.SeamHarness.upTo;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Any row set at any layer gives the rows the bits of the plain path (seam proof a). */
class RowSubsetProofTest {
  private static final int[] TOKENS = SeamHarness.tokens(8, 1);
  private static final int[] OTHERS = SeamHarness.tokens(5, 2);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualDenseWhenAllRowsAreNamed(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache alone = h.sequence();
        SequenceCache mixed = h.sequence();
        SequenceCache other = h.sequence()) {
      float[][] plain = h.plain(TOKENS);
      LayerPolicy names =
          (item, layer, plan) -> plan.residual(upTo(8)).query(upTo(8)).write(upTo(8));
      assertBits("named", plain, h.logits(h.chunk(alone, TOKENS).policy(names)));
      // A neighbour without queries keeps the batch's sets from being the whole batch.
      WorkItem writer = h.chunk(other, OTHERS).policy((i, l, p) -> p.residual().freezeOthers());
      WorkItem named = h.chunk(mixed, TOKENS).policy(names);
      assertBits("subset", plain, h.logits(named, writer));
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldShowRowsOneThreeSevenTheirTwoFourEightKeys(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache late = h.sequence();
        SequenceCache whole = h.sequence()) {
      int last = h.model.layerCount() - 1;
      float[][] prefixes = {
        h.plain(Arrays.copyOf(TOKENS, 2))[1],
        h.plain(Arrays.copyOf(TOKENS, 4))[3],
        h.plain(Arrays.copyOf(TOKENS, 8))[7]
      };
      WorkItem subset = h.chunk(late, TOKENS);
      subset.policy(
          (item, layer, plan) -> {
            if (layer == last) {
              plan.residual(1, 3, 7);
            }
          });
      float[][] out = h.logits(subset);
      assertEquals(null, out[2], "row 2 left before its logits");
      assertBits("query subset", prefixes, pick(out, 1, 3, 7));

      h.plain(whole, TOKENS);
      WorkItem reader = h.item(whole).rows(3, 0, h.model.layerCount());
      reader.indices(new int[] {1, 3, 7}).entries(new int[] {1, 3, 7}).readOnly();
      reader.tokens(new int[] {TOKENS[1], TOKENS[3], TOKENS[7]}, 0);
      assertBits("read only", prefixes, h.logits(reader));
      assertEquals(8, whole.committed(0), "a reader writes nothing");
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldResumeRowsParkedAtAnyLayer(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open())) {
      float[][] plain = h.plain(TOKENS);
      float[][] otherPlain = h.plain(OTHERS);
      for (int c = 0; c < h.model.layerCount(); c++) {
        int at = c;
        try (SequenceCache sequence = h.sequence();
            SequenceCache first = h.sequence();
            SequenceCache second = h.sequence()) {
          WorkItem parks = h.chunk(sequence, TOKENS).policy((i, l, p) -> stopAt(p, l == at));
          float[][] neighbour = h.logits(h.chunk(first, OTHERS), parks);
          assertBits("neighbour of a parking item", otherPlain, neighbour);
          try (ParkedRows parked = parks.takeParked()) {
            assertEquals(at, parked.layer());
            WorkItem again = h.item(sequence).rows(8, 0, h.model.layerCount()).resume(parked);
            assertBits("resumed", plain, h.logits(again, h.chunk(second, OTHERS)));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldGiveEqualBitsLayerByLayerTokenByTokenAndAtOnce(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache layers = h.sequence();
        SequenceCache chunked = h.sequence();
        SequenceCache tokens = h.sequence()) {
      float[][] plain = h.plain(TOKENS);
      float[][] tokenMajor = new float[8][];
      for (int t = 0; t < 8; t++) {
        tokenMajor[t] = h.plain(tokens, TOKENS[t])[0];
      }
      assertBits("token by token", plain, tokenMajor);
      assertBits("layer by layer", plain, layerMajor(h, layers, 8));
      assertBits("layer by layer in chunks of 3", plain, layerMajor(h, chunked, 3));
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldLetRowsLeaveWithoutChangingThoseThatStay(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache all = h.sequence();
        SequenceCache some = h.sequence()) {
      // From layer 3 on only entries 5 … 7 exist, so both runs look at those alone.
      int[][] lateRows = new int[8][];
      Arrays.fill(lateRows, new int[] {5, 8});
      LayerPolicy keeps =
          (item, layer, plan) -> plan.visibleRanges(layer == 3 ? lateRows : new int[8][]);
      LayerPolicy leaves =
          (item, layer, plan) -> {
            keeps.plan(item, layer, plan);
            if (layer == 2) {
              plan.residual(5, 6, 7);
            }
          };
      float[][] expected = h.logits(h.chunk(all, TOKENS).policy(keeps));
      WorkItem leaving = h.chunk(some, TOKENS).policy(leaves);
      leaving.takeRowLayers();
      float[][] out = h.logits(leaving);
      assertBits(pick(expected, 5, 6, 7), pick(out, 5, 6, 7));
      assertEquals(2 * 8 + 2 * 3, leaving.takeRowLayers());
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldFreezeRowsAsTheyWere(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache frozen = h.sequence();
        SequenceCache byHand = h.sequence()) {
      int[] residual = {0, 2, 4};
      WorkItem item = h.chunk(frozen, TOKENS);
      item.policy(
          (i, layer, plan) -> {
            if (layer == 1) {
              plan.residual(residual).freezeOthers();
            }
          });
      float[][] out = h.logits(item);

      float[] before = run(h, h.chunk(byHand, TOKENS).layers(0, 1).keepHidden());
      WorkItem one = h.item(byHand).rows(8, 0, 4).layers(1, 2).embeddings(before).keepHidden();
      float[] joined = run(h, one);
      for (int r = 0; r < 8; r++) {
        if (Arrays.binarySearch(residual, r) < 0) {
          System.arraycopy(before, r * 64, joined, r * 64, 64);
        }
      }
      WorkItem rest = h.item(byHand).rows(8, 0, 4).layers(2, 4).embeddings(joined);
      assertBits(h.logits(rest), out);
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldGiveAResidualRowWithoutQueryAZeroAttentionOutput(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache a = h.sequence();
        SequenceCache b = h.sequence()) {
      int[][] blind = new int[8][];
      blind[3] = new int[0];
      WorkItem sightless = h.chunk(a, TOKENS).layers(0, 1).keepHidden();
      sightless.policy((i, l, p) -> p.visibleRanges(blind).write(0, 1, 2, 4, 5, 6, 7));
      WorkItem queryless = h.chunk(b, TOKENS).layers(0, 1).keepHidden();
      queryless.policy((i, l, p) -> p.query(0, 1, 2, 4, 5, 6, 7));
      float[] expected = Arrays.copyOfRange(run(h, sightless), 3 * 64, 4 * 64);
      float[] out = Arrays.copyOfRange(run(h, queryless), 3 * 64, 4 * 64);
      assertBits("row 3", expected, out);
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldGiveLogitsOfHiddenStatesThatPassedAllLayers(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache sequence = h.sequence()) {
      float[][] plain = h.plain(TOKENS);
      WorkItem through = h.chunk(sequence, TOKENS).keepHidden();
      h.run(through);
      try (ParkedRows parked = through.takeParked()) {
        assertBits(plain, h.logits(h.item(sequence).rows(8, 0, 4).resume(parked)));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldAlwaysShowARowItsOwnEntry(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache a = h.sequence();
        SequenceCache b = h.sequence()) {
      int[][] nothing = new int[8][0];
      int[][] itself = new int[8][];
      Arrays.setAll(itself, r -> new int[] {r, r + 1});
      WorkItem blind = h.chunk(a, TOKENS).policy((i, l, p) -> p.visibleRanges(nothing));
      WorkItem lonely = h.chunk(b, TOKENS).policy((i, l, p) -> p.visibleRanges(itself));
      assertBits(h.logits(lonely), h.logits(blind));
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldRecomputeCommittedEntriesInPlace(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache sequence = h.sequence();
        SequenceCache reference = h.sequence()) {
      float[][] plain = h.plain(reference, TOKENS);
      int[] wrong = TOKENS.clone();
      wrong[2] = wrong[5] = 4;
      h.plain(sequence, wrong);
      // Rows 2 … 7 see what was wrong, so they are computed again, in two items of one step.
      h.run(again(h, sequence, 5, 6, 7), again(h, sequence, 2, 3, 4));
      assertEquals(8, sequence.committed(0));
      float[][] redone = h.logits(again(h, sequence, 2, 3, 4, 5, 6, 7));
      assertBits("redone", pick(plain, 2, 3, 4, 5, 6, 7), redone);
      assertBits("next", h.plain(reference, 9), h.plain(sequence, 9));
    }
  }

  private static WorkItem again(SeamHarness h, SequenceCache sequence, int... rows) {
    WorkItem item = h.item(sequence).rows(rows.length, rows[0], h.model.layerCount());
    return item.entries(rows).tokens(Arrays.stream(rows).map(r -> TOKENS[r]).toArray(), 0);
  }

  @Test
  void shouldRefuseRowsOutOfOrder() {
    assertThrows(IllegalArgumentException.class, () -> new LayerPlan().residual(3, 1));
  }

  private static void stopAt(LayerPlan plan, boolean now) {
    if (now) {
      plan.park();
    }
  }

  private static float[] run(SeamHarness h, WorkItem item) {
    h.run(item);
    return h.hidden(item.takeParked());
  }

  /** One layer after the other, each in chunks of rows. */
  private static float[][] layerMajor(SeamHarness h, SequenceCache sequence, int chunk) {
    SeamHarness.reserve(sequence, 8);
    int layers = h.model.layerCount();
    float[][] out = new float[8][];
    ParkedRows[] parked = new ParkedRows[8];
    for (int layer = 0; layer < layers; layer++) {
      for (int from = 0; from < 8; from += chunk) {
        int rows = Math.min(chunk, 8 - from);
        WorkItem item = h.item(sequence).rows(rows, from, layers).layers(layer, layer + 1);
        item.firstEntry(0, from);
        if (layer == 0) {
          item.tokens(TOKENS, from);
        } else {
          item.resume(parked[from]);
        }
        if (layer < layers - 1) {
          h.run(item.keepHidden());
        } else {
          System.arraycopy(h.logits(item), 0, out, from, rows);
        }
        if (parked[from] != null) {
          parked[from].close();
        }
        parked[from] = item.takeParked();
      }
    }
    sequence.commit();
    return out;
  }
}
