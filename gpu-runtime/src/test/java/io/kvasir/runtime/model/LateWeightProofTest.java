package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.Weight;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.model.ParkedRows.Stage;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Weights that arrive late hold up only those who need them, and no bit (seam proof i). */
class LateWeightProofTest {
  private static final int LAYER = 2;
  private static final int EXPERTS = 2;
  private static final int FFN = 48;
  private static final int[] TOKENS = SeamHarness.tokens(9, 50);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualBothResidentWhenOneExpertArrivesLate(DeviceCase device) {
    for (int topK = 1; topK <= EXPERTS; topK++) {
      Slot late = new Slot();
      try (SeamHarness resident = experts(device, topK, new Slot().arrive());
          SeamHarness placed = experts(device, topK, late);
          SequenceCache waits = placed.sequence();
          SequenceCache passes = placed.sequence();
          SequenceCache joins = placed.sequence()) {
        float[][] expected = resident.plain(TOKENS);
        Routed routed = new Routed();
        WorkItem item = placed.chunk(waits, TOKENS).hook(routed);
        int easy = topK == 1 ? tokenOfFirstExpert(resident) : -1;
        if (easy >= 0) {
          float[][] out = placed.logits(placed.chunk(passes, easy), item);
          assertBits("not held up", resident.plain(easy), out);
        } else {
          placed.run(item);
        }
        assertEquals(TOKENS.length, routed.rows, "routing is seen before experts are there");
        assertTrue(late.asked, "the missing expert was asked for");
        ParkedRows parked = item.takeParked();
        assertEquals(LAYER, parked.layer());
        assertEquals(Stage.FEED_FORWARD, parked.stage());

        for (LayerPolicy policy : new LayerPolicy[] {null, (i, layer, plan) -> plan.park()}) {
          WorkItem early = placed.item(waits).rows(TOKENS.length, 0, 4).resume(parked);
          placed.run(early.policy(policy));
          parked.close();
          parked = early.takeParked();
          assertNotNull(parked, "still missing, or told to: it parks again");
          assertEquals(Stage.FEED_FORWARD, parked.stage());
        }

        late.arrive();
        WorkItem again = placed.item(waits).rows(TOKENS.length, 0, 4).resume(parked);
        int[] others = SeamHarness.tokens(4, 51);
        assertBits("late", expected, placed.logits(again, placed.chunk(joins, others)));
        parked.close();
        waits.commit();
        try (SequenceCache whole = resident.sequence()) {
          resident.plain(whole, TOKENS);
          assertBits("next", resident.plain(whole, 5), placed.plain(waits, 5));
        }
        assertEquals(0, late.leases, "every lease was given back");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldParkEveryItemThatNeedsAMissingFeedForwardAndNoOther(DeviceCase device) {
    Slot late = new Slot();
    try (SeamHarness h = dense(device, late);
        SeamHarness plainly = SeamHarness.open(device.open());
        SequenceCache a = h.sequence();
        SequenceCache b = h.sequence();
        SequenceCache c = h.sequence()) {
      float[][] expected = plainly.plain(TOKENS);
      int[] others = SeamHarness.tokens(5, 52);
      WorkItem first = h.chunk(a, TOKENS);
      WorkItem second = h.chunk(b, others);
      WorkItem writes = h.chunk(c, others);
      writes.policy((i, layer, p) -> keepNone(p, layer));
      h.run(first, writes, second);
      assertNull(writes.takeParked(), "an item without residual rows needs no feed-forward");
      late.arrive();
      try (ParkedRows one = first.takeParked();
          ParkedRows two = second.takeParked()) {
        WorkItem resumed = h.item(a).rows(TOKENS.length, 0, 4).resume(one);
        WorkItem other = h.item(b).rows(others.length, 0, 4).resume(two);
        assertBits("resumed", expected, h.logits(resumed, other));
      }
    }
  }

  private static void keepNone(LayerPlan plan, int layer) {
    if (layer == LAYER) {
      plan.residual();
    }
  }

  /** Weights that are asked for before they are there. */
  private static final class Slot implements WeightSlot {
    private Weight weight;
    private boolean there;
    private boolean asked;
    private int leases;

    Slot of(Weight value) {
      weight = value;
      return this;
    }

    Slot arrive() {
      there = true;
      return this;
    }

    @Override
    public Weight acquire() {
      asked |= !there;
      leases += there ? 1 : 0;
      return there ? weight : null;
    }

    @Override
    public void release() {
      leases--;
    }

    @Override
    public long bytes() {
      return there ? weight.bytes() : 0;
    }
  }

  private static final class Routed implements LayerHook {
    private int rows;

    @Override
    public Set<HookPoint> points() {
      return Set.of(HookPoint.ROUTER);
    }

    @Override
    public void at(HookPoint point, WorkItem item, int layer, View view) {
      assertEquals(EXPERTS, view.width());
      rows += view.ordinals().length;
    }
  }

  /** A token that, alone, goes to expert 0. */
  private static int tokenOfFirstExpert(SeamHarness h) {
    for (int token = 3; token < SeamHarness.VOCAB; token++) {
      float[][] score = new float[1][];
      try (SequenceCache sequence = h.sequence()) {
        h.run(h.chunk(sequence, token).hook(new ScoreOf(score)));
      }
      if (score[0][0] > score[0][1]) {
        return token;
      }
    }
    throw new AssertionError("no token goes to expert 0");
  }

  private record ScoreOf(float[][] score) implements LayerHook {
    @Override
    public Set<HookPoint> points() {
      return Set.of(HookPoint.ROUTER);
    }

    @Override
    public void at(HookPoint point, WorkItem item, int layer, View view) {
      score[0] = view.download();
    }
  }

  /** The plain model whose layer 2 has two experts; the second expert's gate and up are placed. */
  private static SeamHarness experts(DeviceCase device, int topK, Slot second) {
    DecoderModel model = load(device);
    Device d = model.device();
    WeightSlot[] gateUp = new WeightSlot[EXPERTS];
    WeightSlot[] down = new WeightSlot[EXPERTS];
    for (int e = 0; e < EXPERTS; e++) {
      Weight up = d.pack(WeightFormat.BF16, seeded(FFN, 64, 60 + e), seeded(FFN, 64, 70 + e));
      gateUp[e] = e == 1 ? second.of(up) : WeightSlot.resident(up);
      down[e] = WeightSlot.resident(d.pack(WeightFormat.BF16, seeded(64, FFN, 80 + e)));
    }
    Weight router = d.pack(WeightFormat.F32, seeded(EXPERTS, 64, 90));
    return with(model, new ToyExperts(d, router, gateUp, down, topK, FFN));
  }

  /** The plain model whose layer 2 waits for its gate and up. */
  private static SeamHarness dense(DeviceCase device, Slot slot) {
    DecoderModel model = load(device);
    SwiGluFeedForward f = (SwiGluFeedForward) model.layers().get(LAYER).feedForward();
    slot.of(f.gateUp().acquire());
    return with(
        model,
        new SwiGluFeedForward(
            f.norm(), f.eps(), slot, null, f.down(), null, f.intermediateSize(), null));
  }

  private static SeamHarness with(DecoderModel model, FeedForward feedForward) {
    List<DecoderLayer> layers = new ArrayList<>(model.layers());
    layers.set(LAYER, new DecoderLayer(layers.get(LAYER).mixer(), feedForward));
    DecoderModel changed = SeamHarness.with(model, model.cacheLayout(), layers);
    return SeamHarness.of(model.device(), changed, PageEncoding.BF16);
  }

  private static DecoderModel load(DeviceCase device) {
    ModelConfig config = SeamHarness.config();
    LoadOptions options = LoadOptions.defaults().slots(16);
    return ModelLoader.load(device.open().get(), config, new DummyTensors(config, 42), options);
  }

  private static MatrixSource seeded(int rows, int columns, long seed) {
    float[] values = new float[rows * columns];
    Random random = new Random(seed);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(columns));
    }
    return new MatrixSource() {
      @Override
      public int rows() {
        return rows;
      }

      @Override
      public int columns() {
        return columns;
      }

      @Override
      public WeightFormat stored() {
        return WeightFormat.F32;
      }

      @Override
      public void readRow(int row, float[] target, int offset) {
        System.arraycopy(values, row * columns, target, offset, columns);
      }
    };
  }
}
