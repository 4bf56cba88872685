package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.LoadOptions;
import io.kvasir.runtime.model.ModelLoader;
import io.kvasir.runtime.model.StepExecutor;

/**
 * The warm-up of a large model, played with a miniature of it first. Until the compiler has been at
 * the kernels a row of a large model takes a second, so its own warm-up would end after the few
 * calls that the compiler does not yet look at; a miniature makes thousands of them in that time.
 * Thread-safe; costs some megabytes while it runs.
 */
public final class Rehearsal {
  /**
   * The hidden size of a miniature: several tiles, and more than one cache block, of each kernel.
   */
  private static final int HIDDEN = 320;

  /** So many times the warm-up's bound: the compiler needs longer than the model's own steps. */
  private static final int BOUNDS = 2;

  private static final long ARENA_BYTES = 16 << 20;

  private Rehearsal() {}

  /**
   * Runs for twice the warm-up's bound at most, or not at all where the model is small itself.
   *
   * @param device of the model, which nothing else uses meanwhile
   * @param format of the model's linear layers on it
   */
  public static void run(
      Device device, ModelConfig model, WeightFormat format, EngineConfig config) {
    if (config.options().warmUpNs() == 0 || model.hiddenSize() <= HIDDEN) {
      return;
    }
    ModelConfig miniature = model.miniature(HIDDEN);
    LoadOptions load =
        LoadOptions.defaults()
            .weights(format)
            .pages(config.pages())
            .slots(config.slots())
            .maxContextTokens(config.maxContextTokens());
    DecoderModel little = ModelLoader.load(device, miniature, new DummyTensors(miniature, 0), load);
    EngineOptions options =
        EngineOptions.of(ARENA_BYTES)
            .steps(config.options().stepRows(), Long.MAX_VALUE)
            .warmUp(BOUNDS * config.options().warmUpNs());
    try (KvCache cache = LoadedModel.openCache(little, options, config.pages(), config.slots())) {
      new WarmUp(little, cache, new StepExecutor(little, options.stepRows()), options).run();
    }
  }
}
