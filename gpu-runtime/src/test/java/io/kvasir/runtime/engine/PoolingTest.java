package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.cpu.CpuDevice;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.LoadOptions;
import io.kvasir.runtime.model.ModelLoader;
import io.kvasir.runtime.model.ParkedRows;
import io.kvasir.runtime.model.SeamHarness;
import io.kvasir.runtime.model.StepExecutor;
import io.kvasir.runtime.model.WorkItem;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Embeddings: what they are, and that nothing but the input decides about their bits. */
final class PoolingTest {
  private static final long ROOMY = 8 << 20;

  /** Final hidden states of all rows, [row][hiddenSize], by scalar kernels in one run. */
  private static float[][] referenceStates(int[] input) {
    ModelConfig config = SeamHarness.config();
    try (Device device = CpuDevice.openScalar()) {
      LoadOptions load = LoadOptions.defaults().slots(16);
      DecoderModel model = ModelLoader.load(device, config, new DummyTensors(config, 42), load);
      EngineOptions options = EngineOptions.of(ROOMY);
      try (KvCache cache = LoadedModel.openCache(model, options, load.pages(), load.slots());
          StepExecutor executor = new StepExecutor(model, input.length);
          SequenceCache sequence = cache.newSequence(1, "a", Long.MAX_VALUE)) {
        assertTrue(sequence.reserve(input.length));
        WorkItem item = new WorkItem(sequence, model.cacheLayout().groupCount());
        item.rows(input.length, 0, model.layerCount()).tokens(input, 0).keepHidden();
        executor.run(List.of(item), (i, row, logits, offset) -> {});
        int width = model.hiddenSize();
        float[] all = new float[input.length * width];
        try (ParkedRows rows = item.takeParked();
            DeviceFloats normed = device.floats(all.length)) {
          device
              .kernels()
              .rmsNorm(
                  rows.hidden(), model.finalNorm(), model.normEps(), input.length, width, normed);
          device.download(normed, 0, all, 0, all.length);
          device.await();
        }
        float[][] states = new float[input.length][width];
        for (int i = 0; i < all.length; i++) {
          states[i / width][i % width] = all[i];
        }
        return states;
      }
    }
  }

  private static float[] reference(int[] input, Pooling pooling) {
    float[][] states = referenceStates(input);
    int width = states[0].length;
    double[] sum = new double[width];
    int first = pooling == Pooling.LAST ? input.length - 1 : 0;
    for (int row = first; row < input.length; row++) {
      for (int i = 0; i < width; i++) {
        sum[i] += states[row][i];
      }
    }
    float[] mean = new float[width];
    double squares = 0;
    for (int i = 0; i < width; i++) {
      mean[i] = (float) (sum[i] / (input.length - first));
      squares += (double) mean[i] * mean[i];
    }
    for (int i = 0; i < width; i++) {
      mean[i] = (float) (mean[i] / Math.sqrt(squares));
    }
    return mean;
  }

  private static void assertNothingHeld(EngineHarness h) {
    assertTrue(h.core.idle());
    assertEquals(0, h.cache.leaseCount());
    assertEquals(0, h.cache.referencedBytes());
    assertEquals(0, h.waitingRoom.get());
  }

  @ParameterizedTest
  @EnumSource
  void shouldEqualTheReferenceWhateverTheChunks(Pooling pooling) {
    int[] input = SeamHarness.tokens(77, 1);
    float[] expected = reference(input, pooling);
    for (int chunk : new int[] {512, 16, 7, 1}) {
      try (EngineHarness h = EngineHarness.open(ROOMY, chunk)) {
        assertArrayEquals(expected, h.embed(input, pooling), "chunk " + chunk);
        assertEquals(0, h.cache.usedBytes(), "an embedding leaves no blocks behind");
        assertNothingHeld(h);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotDependOnTheBatch(Pooling pooling) {
    List<int[]> inputs = EngineHarness.prompts(9, 1, 150, 5);
    List<float[]> alone = new ArrayList<>();
    for (int[] input : inputs) {
      try (EngineHarness h = EngineHarness.open(ROOMY, 512)) {
        alone.add(h.embed(input, pooling));
      }
    }
    try (EngineHarness h = EngineHarness.open(ROOMY, 48)) {
      List<TokenStream> streams = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        streams.add(h.submitPooling("t" + i % 2, inputs.get(i), pooling));
        h.submit("a", SeamHarness.tokens(20 + i, i), EngineHarness.seeded(12, i));
        h.step();
      }
      h.runAll();
      for (int i = 0; i < inputs.size(); i++) {
        assertEquals(FinishReason.STOP, streams.get(i).finishReason());
        assertArrayEquals(alone.get(i), streams.get(i).pooled().vector(), "input " + i);
        assertEquals(0, streams.get(i).published());
      }
      assertNothingHeld(h);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotDependOnWhatIsCached(Pooling pooling) {
    // A whole number of blocks, so that all of the input may hit.
    int[] input = SeamHarness.tokens(64, 9);
    float[] expected = reference(input, pooling);
    try (EngineHarness h = EngineHarness.open(ROOMY, 512)) {
      h.generate(input, EngineHarness.greedy(3));
      TokenStream stream = h.submitPooling("a", input, pooling);
      h.runAll();
      assertArrayEquals(expected, stream.pooled().vector());
      Usage usage = stream.usage();
      // The mean is over rows that no cache holds; the last row's state needs the others' KV alone.
      assertEquals(pooling == Pooling.LAST ? 64 : 0, usage.deviceHitTokens());
      assertEquals(64, usage.deviceHitTokens() + usage.recomputedTokens());
      assertEquals(0, usage.generatedTokens());
      assertNothingHeld(h);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldSurvivePreemption(Pooling pooling) {
    // Thirteen pages: three answers grow to five each while the input, two rows a step, wants six.
    long arena = 208 * EngineHarness.tokenBytes();
    int[] input = SeamHarness.tokens(90, 11);
    try (EngineHarness h = EngineHarness.open(arena, 5)) {
      for (int i = 0; i < 3; i++) {
        h.submit("a", SeamHarness.tokens(16, i), EngineHarness.greedy(60));
      }
      h.step();
      TokenStream stream = h.submitPooling("a", input, pooling);
      h.runAll();
      assertTrue(stream.usage().preemptions() > 0, "the input was not preempted");
      assertArrayEquals(reference(input, pooling), stream.pooled().vector());
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldTakeAnInputOfTheWholeContext() throws Exception {
    EngineConfig config = EngineConfig.of("embedded:factbook", 64L << 20).maxContextTokens(40);
    try (LoadedModel loaded = LoadedModel.open(config)) {
      int context = loaded.engine().maxContextTokens();
      java.util.concurrent.CountDownLatch ended = new java.util.concurrent.CountDownLatch(1);
      TokenStream stream = TokenStream.pooling(Pooling.LAST, ended::countDown);
      int[] input = new int[context];
      assertEquals(
          null, loaded.engine().submit(GenerationRequest.pooling(1, "a", input, 0, stream)));
      assertTrue(ended.await(30, java.util.concurrent.TimeUnit.SECONDS));
      assertEquals(loaded.engine().hiddenSize(), stream.pooled().vector().length);
      GenerationEngine.Refusal refusal =
          loaded
              .engine()
              .submit(GenerationRequest.pooling(2, "a", new int[context + 1], 0, stream));
      assertEquals(GenerationEngine.Refusal.Code.CONTEXT_OVERFLOW, refusal.code());
    }
  }
}
