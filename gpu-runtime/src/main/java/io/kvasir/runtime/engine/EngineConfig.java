package io.kvasir.runtime.engine;

import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.model.LoadOptions;

/**
 * Which model on which device, and how.
 *
 * @param model a checkpoint folder, {@code dummy:NAME} or {@code embedded:NAME}
 * @param threads CPU threads of the device
 * @param weights null keeps what the checkpoint stores
 * @param maxContextTokens longest sequence; 0 takes the model's own
 */
public record EngineConfig(
    String model,
    int threads,
    WeightFormat weights,
    PageEncoding pages,
    int slots,
    int maxContextTokens,
    EngineOptions options) {

  /** Weights as stored, bf16 pages of 32 tokens, all cores. */
  public static EngineConfig of(String model, long arenaBytes) {
    return new EngineConfig(
        model,
        Runtime.getRuntime().availableProcessors(),
        null,
        PageEncoding.BF16,
        LoadOptions.DEFAULT_SLOTS,
        0,
        EngineOptions.of(arenaBytes));
  }

  public EngineConfig threads(int value) {
    return new EngineConfig(model, value, weights, pages, slots, maxContextTokens, options);
  }

  public EngineConfig weights(WeightFormat value) {
    return new EngineConfig(model, threads, value, pages, slots, maxContextTokens, options);
  }

  public EngineConfig pages(PageEncoding value) {
    return new EngineConfig(model, threads, weights, value, slots, maxContextTokens, options);
  }

  public EngineConfig slots(int value) {
    return new EngineConfig(model, threads, weights, pages, value, maxContextTokens, options);
  }

  public EngineConfig maxContextTokens(int value) {
    return new EngineConfig(model, threads, weights, pages, slots, value, options);
  }

  public EngineConfig options(EngineOptions value) {
    return new EngineConfig(model, threads, weights, pages, slots, maxContextTokens, value);
  }
}
