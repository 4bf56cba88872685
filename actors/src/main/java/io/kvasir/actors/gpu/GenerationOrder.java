package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.SamplingParameters;
import java.time.Duration;

/**
 * What a client wants generated, before a device has taken it.
 *
 * @param tenant scheduling class and salt of its block keys
 * @param promptTokens at least one token; handed over, not to be written afterwards
 * @param sampling how tokens are drawn and when it ends
 * @param timeout time from admission after which the engine ends it
 */
public record GenerationOrder(
    String tenant, int[] promptTokens, SamplingParameters sampling, Duration timeout) {}
