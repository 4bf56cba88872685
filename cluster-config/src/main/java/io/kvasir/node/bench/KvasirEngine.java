package io.kvasir.node.bench;

import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.engine.EngineConfig;
import io.kvasir.runtime.engine.LoadedModel;

/** Our own engine in this process, without actors and HTTP. */
final class KvasirEngine implements BenchEngine {
  private static final long ARENA_BYTES = 512L << 20;

  private final LoadedModel model;
  private final WeightFormat format;
  private final EngineDriver driver;

  /**
   * @param location as {@code --model} gives it
   */
  KvasirEngine(String location, WeightFormat format, int threads) {
    this.model =
        LoadedModel.open(EngineConfig.of(location, ARENA_BYTES).threads(threads).weights(format));
    this.format = format;
    ModelConfig config = model.checkpoint().config();
    this.driver = new EngineDriver(model.engine(), config.vocabSize(), config.layerCount());
  }

  /** Bytes of weights that one decoded token reads: everything but the embedding's other rows. */
  double weightBytesPerToken() {
    ModelConfig config = model.checkpoint().config();
    long table = config.tieWordEmbeddings() ? 0 : (long) config.vocabSize() * config.hiddenSize();
    double scaleBits = format.quantised() ? 32.0 / WeightFormat.BLOCK : 0;
    return (config.parameterCount() - table) * (format.bits() + scaleBits) / 8;
  }

  @Override
  public Timing generate(int promptTokens, int generatedTokens, long seed) {
    return driver.generate(promptTokens, generatedTokens, seed);
  }

  /**
   * {@code batch} sequences at once whose prompts are already in the cache (an unmeasured pass puts
   * them there), so that decoding is measured and not prefill.
   */
  double batchTokensPerSecond(int batch, int promptTokens, int generatedTokens, long seed) {
    driver.batchTokensPerSecond(batch, promptTokens, 1, seed);
    return driver.batchDecodeTokensPerSecond(batch, promptTokens, generatedTokens, seed);
  }

  @Override
  public void close() {
    model.close();
  }
}
