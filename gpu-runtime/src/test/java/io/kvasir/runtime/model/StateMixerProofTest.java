package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.cache.LayerGroup;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.cache.StateSpec;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolution and recurrent states live beside the pages under the same laws (seam proof e). */
class StateMixerProofTest {
  private static final int[] TOKENS = SeamHarness.tokens(19, 20);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualStepwiseInAnyChunks(DeviceCase device) {
    try (SeamHarness h = open(device.open());
        SequenceCache other = h.sequence()) {
      float[][] whole = h.plain(TOKENS);
      for (int chunk : new int[] {1, 3, 7}) {
        try (SequenceCache sequence = h.sequence()) {
          float[][] out = new float[TOKENS.length][];
          for (int from = 0; from < TOKENS.length; from += chunk) {
            int to = Math.min(TOKENS.length, from + chunk);
            WorkItem item = h.chunk(sequence, Arrays.copyOfRange(TOKENS, from, to));
            WorkItem neighbour = h.chunk(other, SeamHarness.tokens(2, from));
            System.arraycopy(h.logits(item, neighbour), 0, out, from, to - from);
            sequence.commit();
            other.commit();
          }
          assertBits("chunks of " + chunk, whole, out);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldRollBackWithAnAbort(DeviceCase device) {
    try (SeamHarness h = open(device.open());
        SequenceCache sequence = h.sequence()) {
      float[][] whole = h.plain(TOKENS);
      for (int from = 0; from < TOKENS.length; from += 5) {
        h.logits(h.chunk(sequence, SeamHarness.tokens(4, from)));
        assertThrows(IllegalStateException.class, () -> sequence.commit(2));
        sequence.abort();
        int to = Math.min(TOKENS.length, from + 5);
        float[][] out = h.plain(sequence, Arrays.copyOfRange(TOKENS, from, to));
        assertBits("from " + from, Arrays.copyOfRange(whole, from, to), out);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldContinueFromASnapshotInASecondEngineAndFromAFork(DeviceCase device) {
    try (SeamHarness here = open(device.open());
        SeamHarness there = open(() -> Devices.cpu(1));
        SequenceCache source = here.sequence()) {
      float[][] whole = here.plain(TOKENS);
      here.plain(source, Arrays.copyOf(TOKENS, 9));
      int[] rest = Arrays.copyOfRange(TOKENS, 9, TOKENS.length);
      float[][] expected = Arrays.copyOfRange(whole, 9, TOKENS.length);
      try (SequenceCache target =
              there.cache.importSequence(source.export(), 9, "tenant", Long.MAX_VALUE);
          SequenceCache fork = source.fork(10, Long.MAX_VALUE)) {
        here.plain(source, SeamHarness.tokens(3, 21));
        assertBits("imported", expected, there.plain(target, rest));
        assertBits("forked", expected, here.plain(fork, rest));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldReadAStateFromRowsThatWriteNothing(DeviceCase device) {
    try (SeamHarness h = open(device.open());
        SequenceCache sequence = h.sequence()) {
      float[][] whole = h.plain(TOKENS);
      h.plain(sequence, Arrays.copyOf(TOKENS, 12));
      // Beyond the state: the row sees pages and states of the twelve, and leaves both alone.
      WorkItem reader = h.item(sequence).rows(1, 12, 4).readOnly().token(TOKENS[12]);
      float[][] once = h.logits(reader);
      assertBits("read twice", once, h.logits(reader));
      int[] rest = Arrays.copyOfRange(TOKENS, 12, TOKENS.length);
      float[][] out = h.plain(sequence, rest);
      assertBits("after reading", Arrays.copyOfRange(whole, 12, TOKENS.length), out);
    }
  }

  /** Layers: attention, convolution, recurrence, attention. */
  private static SeamHarness open(Supplier<Device> open) {
    ModelConfig config = SeamHarness.config();
    Device d = open.get();
    DecoderModel model =
        ModelLoader.load(d, config, new DummyTensors(config, 42), LoadOptions.defaults().slots(16));
    int width = model.hiddenSize();
    StateSpec conv = new StateSpec(1, "conv", 2 * width);
    StateSpec decay = new StateSpec(2, "decay", width);
    LayerGroup group = model.cacheLayout().group(0);
    CacheLayout layout =
        CacheLayout.builder(4)
            .group(new int[] {0, 3}, group.kvHeads(), group.frame(), 0, "toy")
            .state(conv)
            .state(decay)
            .build();
    List<DecoderLayer> layers = new ArrayList<>(model.layers());
    Mixer first = new ToyMixer(d, conv, ToyMixer.convolution(width), width, 256);
    Mixer second = new ToyMixer(d, decay, ToyMixer.gatedDecay(width), width, 256);
    layers.set(1, new DecoderLayer(first, layers.get(1).feedForward()));
    layers.set(2, new DecoderLayer(second, layers.get(2).feedForward()));
    return SeamHarness.of(d, SeamHarness.with(model, layout, layers), PageEncoding.BF16);
  }
}
