package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.AttentionStatistic;
import io.kvasir.runtime.device.AttentionStatistic.Rows;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Statistics mean the dense sums, before or with attention, in any batch (seam proof h). */
class StatisticsProofTest {
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int DIM = 16;
  private static final int LAYER = 2;
  private static final int CONTEXT = 10;
  private static final int ROWS = 12;
  private static final int[] PREFIX = SeamHarness.tokens(CONTEXT, 40);
  private static final int[] CHUNK = SeamHarness.tokens(ROWS, 41);

  /** What is asked for: rows of the chunk, keys [from, to), reduction, heads joined. */
  private record Wanted(int[] rows, int from, int to, Rows reduction, int group) {
    int values() {
      int lines = reduction == Rows.EACH ? rows.length : 1;
      return HEADS / group * lines * (to - from);
    }

    AttentionStatistic into(DeviceFloats target) {
      return new AttentionStatistic(0, rows, from, to, reduction, group, target, 0);
    }
  }

  private static List<Wanted> wanted() {
    List<Wanted> all = new ArrayList<>();
    for (Rows reduction : Rows.values()) {
      for (int group : new int[] {1, 2, HEADS}) {
        all.add(new Wanted(SeamHarness.upTo(ROWS), 0, CONTEXT + ROWS, reduction, group));
        all.add(new Wanted(new int[] {1, 5, 11}, 3, 17, reduction, group));
      }
    }
    return all;
  }

  private enum When {
    BEFORE,
    WITH,
    WITHOUT_OUTPUT
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualDenseSumsAloneAndInAMixedBatchBeforeAndWithAttention(DeviceCase device) {
    try (SeamHarness h = open(device)) {
      Captured captured = new Captured();
      float[][] first = take(h, When.WITH, captured);
      List<Wanted> wanted = wanted();
      for (int s = 0; s < wanted.size(); s++) {
        double[] dense = captured.dense(wanted.get(s));
        double bound = 2e-6 * wanted.get(s).rows().length * wanted.get(s).group();
        for (int i = 0; i < dense.length; i++) {
          assertEquals(dense[i], first[s][i], bound, wanted.get(s) + " value " + i);
        }
      }
      assertBits("before attention", first, take(h, When.BEFORE, null));
      assertBits("without attention", first, take(h, When.WITHOUT_OUTPUT, null));
      for (When when : When.values()) {
        try (SequenceCache a = h.sequence();
            SequenceCache b = h.sequence()) {
          WorkItem left = h.chunk(a, SeamHarness.tokens(5, 42));
          WorkItem right = h.chunk(b, SeamHarness.tokens(9, 43));
          right.policy((i, l, p) -> p.residual(3, 8).freezeOthers());
          assertBits("mixed batch, " + when, first, take(h, when, null, left, right));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldChangeNoLogitsUnlessThePolicyDoes(DeviceCase device) {
    try (SeamHarness h = open(device);
        DeviceFloats target = h.device.floats(1000);
        SequenceCache a = h.sequence();
        SequenceCache b = h.sequence()) {
      float[][] plain = h.plain(CHUNK);
      Wanted each = new Wanted(SeamHarness.upTo(ROWS), 0, ROWS, Rows.SUM, HEADS);
      WorkItem before = h.chunk(a, CHUNK);
      before.policy((i, l, p) -> p.statisticsBefore(each.into(target)));
      assertBits("before", plain, h.logits(before));
      WorkItem with = h.chunk(b, CHUNK).policy((i, l, p) -> p.statistics(each.into(target)));
      assertBits("with", plain, h.logits(with));
      a.abort();
      b.abort();
      WorkItem silent = h.chunk(a, PREFIX);
      silent.policy((i, l, p) -> p.query(2, 4).statisticsOnly());
      assertBits("beside a silent item", plain, h.logits(h.chunk(b, CHUNK), silent));
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldNameEntriesByTheirNumberWhenPagesWereDropped(DeviceCase device) {
    LoadOptions options = LoadOptions.defaults().slots(16);
    ModelConfig window = SeamHarness.config("mistral", 4, ",\"sliding_window\":9");
    try (SeamHarness h = SeamHarness.open(device.open(), window, options);
        DeviceFloats target = h.device.floats(9);
        SequenceCache sequence = h.sequence()) {
      h.plain(sequence, SeamHarness.tokens(40, 45));
      Wanted sums = new Wanted(new int[] {0}, 31, 40, Rows.SUM, HEADS);
      WorkItem reader = h.item(sequence).rows(1, 39, 4).readOnly().token(7);
      reader.policy((i, l, p) -> p.statistics(sums.into(target)));
      float[][] logits = h.logits(reader);
      float[] before = h.read(target);
      sequence.dropBefore(0, 31);
      assertEquals(16, sequence.dropped(0));
      assertBits("logits", logits, h.logits(reader));
      assertBits("sums", before, h.read(target));
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldCountWhatAShorterHeadLacksAsUnseen(DeviceCase device) {
    try (SeamHarness h = open(device);
        DeviceFloats each = h.device.floats(KV_HEADS * 12);
        SequenceCache sequence = h.sequence()) {
      h.plain(sequence, CHUNK);
      int[][][] keep = new int[h.model.layerCount()][KV_HEADS][];
      for (int[][] layer : keep) {
        layer[0] = SeamHarness.upTo(3);
        layer[1] = SeamHarness.upTo(9);
      }
      assertTrue(sequence.toHeadPages(0, keep));
      Wanted lists = new Wanted(new int[] {0}, 0, 12, Rows.EACH, HEADS / KV_HEADS);
      WorkItem reader = h.item(sequence).rows(1, 20, 4).readOnly().token(7);
      h.run(reader.policy((i, l, p) -> p.statistics(lists.into(each))));
      float[] p = h.read(each);
      for (int e = 0; e < 12; e++) {
        assertEquals(e < 3, p[e] > 0, "head 0, entry " + e);
        assertEquals(e < 9, p[12 + e] > 0, "head 1, entry " + e);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldLetAPolicyDropRowsByStatisticsTakenBeforeAttention(DeviceCase device) {
    try (SeamHarness h = open(device);
        SequenceCache named = h.sequence();
        SequenceCache alone = h.sequence();
        SequenceCache mixed = h.sequence();
        SequenceCache other = h.sequence()) {
      KeepHalf decides = new KeepHalf(h);
      float[][] out = h.logits(h.chunk(alone, CHUNK).policy(decides));
      int[] kept = decides.kept.clone();
      assertEquals(ROWS / 2, kept.length);

      WorkItem told = h.chunk(named, CHUNK);
      told.policy((i, l, p) -> narrow(p, l, kept));
      assertBits("told the same rows", h.logits(told), out);

      KeepHalf again = new KeepHalf(h);
      WorkItem neighbour = h.chunk(other, SeamHarness.tokens(7, 44));
      WorkItem item = h.chunk(mixed, CHUNK).policy(again);
      item.takeRowLayers();
      assertBits("in a mixed batch", out, h.logits(item, neighbour));
      assertTrue(Arrays.equals(kept, again.kept));
      assertEquals(2 * ROWS + 2 * ROWS / 2, item.takeRowLayers());
    }
  }

  private static void narrow(LayerPlan plan, int layer, int[] kept) {
    if (layer == LAYER) {
      plan.residual(kept);
    } else if (layer > LAYER) {
      // What left wrote nothing here, so nobody may look at its entry.
      int[][] ranges = new int[ROWS][];
      for (int row : kept) {
        ranges[row] = new int[2 * kept.length];
        for (int k = 0; k < kept.length; k++) {
          ranges[row][2 * k] = kept[k];
          ranges[row][2 * k + 1] = kept[k] + 1;
        }
      }
      plan.visibleRanges(ranges);
    }
  }

  /** Keeps the half of the rows that spread their attention most (least sum of squares). */
  private static final class KeepHalf implements LayerPolicy {
    private final SeamHarness h;
    private final DeviceFloats target;
    private int[] kept;

    KeepHalf(SeamHarness h) {
      this.h = h;
      this.target = h.device.floats(ROWS * ROWS);
    }

    @Override
    public void plan(WorkItem item, int layer, LayerPlan plan) {
      if (layer == LAYER) {
        Wanted each = new Wanted(SeamHarness.upTo(ROWS), 0, ROWS, Rows.EACH, HEADS);
        plan.statisticsBefore(each.into(target));
      } else if (layer > LAYER) {
        narrow(plan, layer, kept);
      }
    }

    @Override
    public void revise(WorkItem item, int layer, LayerPlan plan) {
      float[] p = h.read(target);
      Integer[] rows = Arrays.stream(SeamHarness.upTo(ROWS)).boxed().toArray(Integer[]::new);
      Arrays.sort(rows, (a, b) -> Float.compare(squares(p, a), squares(p, b)));
      kept = Arrays.stream(rows).limit(ROWS / 2).mapToInt(r -> r).sorted().toArray();
      plan.residual(kept);
    }

    private static float squares(float[] p, int row) {
      float sum = 0;
      for (int e = 0; e < ROWS; e++) {
        sum += p[row * ROWS + e] * p[row * ROWS + e];
      }
      return sum;
    }
  }

  /** Rotated queries and keys of one layer, and the sums by definition, in f64. */
  private static final class Captured implements LayerHook {
    private final double[][] keys = new double[CONTEXT + ROWS][];
    private final double[][] queries = new double[CONTEXT + ROWS][];

    @Override
    public Set<HookPoint> points() {
      return Set.of(HookPoint.QUERY_ROTATED, HookPoint.KEY_ROTATED);
    }

    @Override
    public void at(HookPoint point, WorkItem item, int layer, View view) {
      if (layer != LAYER) {
        return;
      }
      float[] values = view.download();
      double[][] to = point == HookPoint.KEY_ROTATED ? keys : queries;
      for (int r = 0; r < view.ordinals().length; r++) {
        double[] row = new double[view.width()];
        for (int i = 0; i < row.length; i++) {
          row[i] = values[r * view.width() + i];
        }
        to[item.index(view.ordinals()[r])] = row;
      }
    }

    double[] dense(Wanted w) {
      int width = w.to() - w.from();
      double[] out = new double[w.values()];
      int lines = w.reduction() == Rows.EACH ? w.rows().length : 1;
      for (int head = 0; head < HEADS; head++) {
        double[] reduced = new double[lines * width];
        for (int r = 0; r < w.rows().length; r++) {
          double[] p = probabilities(CONTEXT + w.rows()[r], head, w.from(), w.to());
          for (int e = 0; e < width; e++) {
            int at = lines == 1 ? e : r * width + e;
            reduced[at] =
                switch (w.reduction()) {
                  case SUM, EACH -> reduced[at] + p[e];
                  case SQUARES -> reduced[at] + p[e] * p[e];
                  case MAX -> Math.max(reduced[at], p[e]);
                };
          }
        }
        for (int i = 0; i < reduced.length; i++) {
          int at = head / w.group() * reduced.length + i;
          boolean max = w.reduction() == Rows.MAX;
          out[at] = max ? Math.max(out[at], reduced[i]) : out[at] + reduced[i];
        }
      }
      return out;
    }

    private double[] probabilities(int row, int head, int from, int to) {
      double[] p = new double[to - from];
      int kvHead = head / (HEADS / KV_HEADS);
      double sum = 0;
      for (int e = from; e < Math.min(to, row + 1); e++) {
        double score = 0;
        for (int c = 0; c < DIM; c++) {
          score += queries[row][head * DIM + c] * keys[e][kvHead * DIM + c];
        }
        p[e - from] = Math.exp(score / Math.sqrt(DIM));
        sum += p[e - from];
      }
      for (int i = 0; i < p.length; i++) {
        p[i] = p[i] == 0 ? 0 : p[i] / sum;
      }
      return p;
    }
  }

  /** All wanted statistics of the chunk at the layer, in a batch with {@code others}. */
  private static float[][] take(SeamHarness h, When when, Captured hook, WorkItem... others) {
    List<Wanted> wanted = wanted();
    DeviceFloats[] targets = new DeviceFloats[wanted.size()];
    AttentionStatistic[] statistics = new AttentionStatistic[wanted.size()];
    for (int i = 0; i < targets.length; i++) {
      targets[i] = h.device.floats(wanted.get(i).values());
      statistics[i] = wanted.get(i).into(targets[i]);
    }
    try (SequenceCache sequence = h.sequence()) {
      h.run(h.chunk(sequence, PREFIX).hook(hook));
      sequence.commit();
      WorkItem item = h.chunk(sequence, CHUNK).hook(hook);
      item.policy(
          (i, layer, plan) -> {
            if (layer == LAYER && when == When.BEFORE) {
              plan.statisticsBefore(statistics);
            } else if (layer == LAYER) {
              plan.statistics(statistics);
            }
            if (layer == LAYER && when == When.WITHOUT_OUTPUT) {
              plan.statisticsOnly();
            }
          });
      h.logits(item, others);
    }
    float[][] out = new float[targets.length][];
    for (int i = 0; i < targets.length; i++) {
      out[i] = h.read(targets[i]);
      targets[i].close();
    }
    return out;
  }

  private static SeamHarness open(DeviceCase device) {
    LoadOptions options = LoadOptions.defaults().slots(16).pages(PageEncoding.F32);
    return SeamHarness.open(device.open(), SeamHarness.config(), options);
  }
}
