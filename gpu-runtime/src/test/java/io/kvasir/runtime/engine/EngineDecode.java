package io.kvasir.runtime.engine;

import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.model.SeamHarness;

/** Endless decoding of a batch, one step at a time, for benchmarks. */
public final class EngineDecode implements AutoCloseable {
  private static final int PROMPT = 30;
  private static final int ANSWER = 470;

  private final EngineHarness h;
  private final int batch;
  private int left;

  public EngineDecode(ModelConfig config, int batch) {
    this.batch = batch;
    EngineOptions options = EngineOptions.of(64 << 20).steps(32 * batch, Long.MAX_VALUE);
    h = new EngineHarness(config, options, new DeficitRoundRobin(1024));
  }

  /** One decode step of all sequences; new ones start when the old ones are full. */
  public int step() {
    if (left == 0) {
      h.runAll();
      for (int i = 0; i < batch; i++) {
        h.submit("a", SeamHarness.tokens(PROMPT, i), EngineHarness.greedy(ANSWER));
      }
      h.core.step();
      left = ANSWER - 2;
    }
    left--;
    return h.core.step();
  }

  @Override
  public void close() {
    h.runAll();
    h.close();
  }
}
