package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.SamplingParameters;
import java.time.Duration;
import java.util.List;

/**
 * What a client wants generated, before a device has taken it: one prompt, and best_of answers.
 *
 * @param tenant scheduling class and salt of its block keys
 * @param promptTokens at least one token; handed over, not to be written afterwards
 * @param sampling how tokens are drawn and when it ends
 * @param timeout time from admission after which the engine ends it
 * @param adjusters change logits after what the sampling asks for, such as the mask of a grammar;
 *     those given are choice 0's
 */
public record GenerationOrder(
    String tenant,
    int[] promptTokens,
    SamplingParameters sampling,
    Duration timeout,
    List<LogitAdjuster> adjusters) {
  public GenerationOrder {
    adjusters = List.copyOf(adjusters);
  }

  /** An order whose logits are drawn from as the parameters say. */
  public GenerationOrder(
      String tenant, int[] promptTokens, SamplingParameters sampling, Duration timeout) {
    this(tenant, promptTokens, sampling, timeout, List.of());
  }
}
