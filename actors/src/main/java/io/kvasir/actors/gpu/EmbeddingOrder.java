package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.Pooling;
import java.time.Duration;

/**
 * An input that a client wants embedded, before a device has taken it.
 *
 * @param tenant scheduling class and salt of its block keys
 * @param tokens at least one; handed over, not to be written afterwards
 * @param pooling how its hidden states become one vector
 * @param timeout time from admission after which the engine ends it
 */
public record EmbeddingOrder(String tenant, int[] tokens, Pooling pooling, Duration timeout) {}
