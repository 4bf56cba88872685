package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;

import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.cache.LayerGroup;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A late half that only reads, or only writes, needs no residual rows (seam proof b). */
class AliasProofTest {
  private static final int LAYERS = 5;
  private static final int OWNER = 2;
  private static final int[] PROMPT = SeamHarness.tokens(21, 4);
  private static final int LAST = PROMPT.length - 1;

  /** Prompt rows write K and V of the owner layer and leave; the last row goes on. */
  private static final LayerPolicy WRITE_ONLY =
      (item, layer, plan) -> {
        if (layer == OWNER && item.rowCount() > 1) {
          plan.residual(LAST);
        }
      };

  /** The same where late layers have planes of their own, which {@link PlaneCopier} fills. */
  private static final LayerPolicy COPIED =
      (item, layer, plan) -> {
        WRITE_ONLY.plan(item, layer, plan);
        if (layer > OWNER) {
          plan.write();
        }
      };

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualCopiedPlanesWhenLateLayersAliasTheOwner(DeviceCase device) {
    try (SeamHarness aliased = open(device, true);
        SeamHarness copied = open(device, false);
        SequenceCache a = aliased.sequence();
        SequenceCache b = copied.sequence()) {
      float[] expected = copied.logits(copying(copied, b, PROMPT))[LAST];
      float[] actual = aliased.logits(aliased.chunk(a, PROMPT).policy(WRITE_ONLY))[LAST];
      for (int step = 0; step < 4; step++) {
        assertBits("step " + step, expected, actual);
        a.commit();
        b.commit();
        int token = SeamHarness.argmax(expected);
        expected = copied.logits(copying(copied, b, token))[0];
        actual = aliased.logits(aliased.chunk(a, token).policy(WRITE_ONLY))[0];
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldWriteLateLayersFromFrozenRowsAsWriteOnlyItemsDo(DeviceCase device) {
    try (SeamHarness h = open(device, false);
        SequenceCache a = h.sequence();
        SequenceCache b = h.sequence()) {
      WorkItem frozen = h.chunk(a, PROMPT);
      frozen.policy(
          (item, layer, plan) -> {
            if (layer >= OWNER) {
              plan.residual(LAST).freezeOthers();
            }
          });
      float[] actual = h.logits(frozen)[LAST];

      WorkItem early = h.chunk(b, PROMPT).layers(0, OWNER).keepHidden();
      h.run(early);
      float[] hidden = h.hidden(early.takeParked());
      LayerPolicy writeOnly = (item, layer, plan) -> plan.residual();
      for (int layer = OWNER; layer < LAYERS; layer++) {
        WorkItem writer = h.item(b).rows(LAST, 0, LAYERS).layers(layer, layer + 1);
        h.run(writer.embeddings(hidden).policy(writeOnly));
      }
      int width = h.model.hiddenSize();
      float[] lastRow = Arrays.copyOfRange(hidden, LAST * width, PROMPT.length * width);
      WorkItem rest = h.item(b).rows(1, LAST, LAYERS).layers(OWNER, LAYERS).firstEntry(0, LAST);
      assertBits("last row", h.logits(rest.embeddings(lastRow))[0], actual);
    }
  }

  private static WorkItem copying(SeamHarness h, SequenceCache sequence, int... tokens) {
    WorkItem item = h.chunk(sequence, tokens).policy(COPIED);
    return item.hook(new PlaneCopier(h));
  }

  /** Once the owner's K and V are written, copies them into the planes of the late layers. */
  private record PlaneCopier(SeamHarness h) implements LayerHook {
    @Override
    public Set<HookPoint> points() {
      return Set.of(HookPoint.KV_WRITTEN);
    }

    @Override
    public void at(HookPoint point, WorkItem item, int layer, View view) {
      if (layer != OWNER) {
        return;
      }
      KvWritePlan from = new KvWritePlan();
      KvWritePlan to = new KvWritePlan();
      for (int late = OWNER + 1; late < LAYERS; late++) {
        for (int r = 0; r < item.rowCount(); r++) {
          item.cache().writeTarget(OWNER, item.entryOf(0, r), from, r);
          item.cache().writeTarget(late, item.entryOf(0, r), to, r);
        }
        LayerGroup group = h.model.cacheLayout().group(0);
        int frames = item.rowCount() * group.kvHeads();
        h.device
            .kernels()
            .copySlots(
                h.cache.memory(), group.frame(), from.frame, from.slot, to.frame, to.slot, frames);
      }
    }
  }

  private static SeamHarness open(DeviceCase device, boolean alias) {
    ModelConfig config = SeamHarness.config(LAYERS, "");
    Device d = device.open().get();
    LoadOptions options = LoadOptions.defaults().slots(16);
    DecoderModel model = ModelLoader.load(d, config, new DummyTensors(config, 42), options);
    if (alias) {
      LayerGroup group = model.cacheLayout().group(0);
      CacheLayout layout =
          CacheLayout.builder(LAYERS)
              .group(new int[] {0, 1, 2}, group.kvHeads(), group.frame(), 0, "alias")
              .alias(3, OWNER)
              .alias(4, OWNER)
              .build();
      model = SeamHarness.with(model, layout, model.layers());
    }
    return SeamHarness.of(d, model, PageEncoding.BF16);
  }
}
