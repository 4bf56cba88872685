package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;

import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.RotarySpec;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ways to say where a token stands and what it is, all with one meaning (seam proofs f and g). */
class PositionProofTest {
  private static final int[] TOKENS = SeamHarness.tokens(21, 30);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualIdsWhenRowsEnterAsTheirEmbeddings(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache embedded = h.sequence();
        SequenceCache first = h.sequence();
        SequenceCache second = h.sequence()) {
      float[][] plain = h.plain(TOKENS);
      int width = h.model.hiddenSize();
      float[] values = new float[TOKENS.length * width];
      try (var table = h.device.floats(values.length)) {
        h.device.kernels().embed(h.model.embedding(), TOKENS, 0, TOKENS.length, table, 0);
        h.device.download(table, 0, values, 0, values.length);
        h.device.await();
      }
      WorkItem item = h.item(embedded).rows(TOKENS.length, 0, 4).embeddings(values);
      SeamHarness.reserve(embedded, TOKENS.length);
      // Between two items of ids, so that ids are embedded in two runs.
      WorkItem before = h.chunk(first, 5, 6, 7);
      WorkItem after = h.chunk(second, 8, 9);
      float[][] afterPlain = h.plain(8, 9);
      before.logits(2);
      after.logits(1);
      for (int r = 0; r < TOKENS.length; r++) {
        item.logits(r);
      }
      var out = h.run(before, item, after);
      for (int r = 0; r < TOKENS.length; r++) {
        assertBits("row " + r, plain[r], out.get(item).get(r));
      }
      assertBits("ids after embeddings", afterPlain[1], out.get(after).get(1));
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualOneAxisWhenThreeAxesStandAtTheSamePosition(DeviceCase device) {
    for (boolean rotated : new boolean[] {true, false}) {
      try (SeamHarness one = open(device, PageEncoding.F32, rotated, 1);
          SeamHarness three = open(device, PageEncoding.F32, rotated, 3);
          SequenceCache a = three.sequence();
          SequenceCache b = three.sequence()) {
        float[][] plain = one.plain(TOKENS);
        int[] positions = new int[3 * TOKENS.length];
        Arrays.setAll(positions, i -> i / 3);
        assertBits("given", plain, three.logits(three.chunk(a, TOKENS).positions(positions, 3)));
        assertBits("by index", plain, three.plain(b, TOKENS));
        // Axes that differ must matter, or the proof above would be empty.
        a.abort();
        for (int i = 1; i < positions.length; i += 3) {
          positions[i] += i % 4;
        }
        float[][] moved = three.logits(three.chunk(a, TOKENS).positions(positions, 3));
        if (Arrays.equals(plain[TOKENS.length - 1], moved[TOKENS.length - 1])) {
          throw new AssertionError("the second axis turns nothing");
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualRotatedKeysWhenRawKeysAreRotatedOnRead(DeviceCase device) {
    try (SeamHarness rotated = open(device, PageEncoding.F32, true, 1);
        SeamHarness raw = open(device, PageEncoding.F32, false, 1);
        SequenceCache a = rotated.sequence();
        SequenceCache b = raw.sequence();
        SequenceCache c = rotated.sequence();
        SequenceCache d = raw.sequence()) {
      assertBits("prompt", rotated.plain(a, TOKENS), raw.plain(b, TOKENS));
      a.toHeadPages(0, null);
      b.toHeadPages(0, null);
      for (int token : SeamHarness.tokens(3, 31)) {
        assertBits("step", rotated.plain(a, token), raw.plain(b, token));
      }
      // Positions that are not the index: rotated keys are baked, raw ones come from the side
      // table.
      int[] positions = new int[TOKENS.length];
      Arrays.setAll(positions, i -> 100 + 3 * i);
      WorkItem baked = rotated.chunk(c, TOKENS).positions(positions, 1);
      WorkItem tabled = raw.chunk(d, TOKENS).positions(positions, 1);
      assertBits("own positions", rotated.logits(baked), raw.logits(tabled));
      c.commit();
      d.commit();
      WorkItem later = rotated.chunk(c, 9).positions(new int[] {200}, 1);
      WorkItem laterRaw = raw.chunk(d, 9).positions(new int[] {200}, 1);
      assertBits("later row", rotated.logits(later), raw.logits(laterRaw));
    }
  }

  /** The plain model with {@code axes} rotary axes, pair p turned by axis p mod axes. */
  private static SeamHarness open(
      DeviceCase device, PageEncoding pages, boolean keysRotated, int axes) {
    ModelConfig config = SeamHarness.config();
    Device d = device.open().get();
    LoadOptions options = LoadOptions.defaults().slots(16).pages(pages).keysRotated(keysRotated);
    DecoderModel model = ModelLoader.load(d, config, new DummyTensors(config, 42), options);
    if (axes == 1) {
      return SeamHarness.of(d, model, pages);
    }
    List<DecoderLayer> layers = new ArrayList<>();
    AttentionPlanner planner = new AttentionPlanner();
    for (DecoderLayer layer : model.layers()) {
      AttentionMixer.Parts p = ((AttentionMixer) layer.mixer()).parts();
      RotarySpec spec = p.rotary().spec();
      int[] axisOf = new int[spec.pairs()];
      Arrays.setAll(axisOf, i -> i % axes);
      RotarySpec turned = new RotarySpec(spec.frequencies(), spec.scale(), false, axisOf);
      layers.add(
          new DecoderLayer(
              new AttentionMixer(p.withRotary(d.rotary(turned)), planner), layer.feedForward()));
    }
    CacheLayout.Builder layout = CacheLayout.builder(4).positionAxes(axes);
    layout.group(model.cacheLayout().group(0));
    return SeamHarness.of(d, SeamHarness.with(model, layout.build(), layers), pages);
  }
}
