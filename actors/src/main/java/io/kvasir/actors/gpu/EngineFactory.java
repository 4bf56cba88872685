package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.GenerationEngine;

/** Makes the engine of a device. */
@FunctionalInterface
public interface EngineFactory {
  /**
   * Loads the weights and starts the engine. Called once, on the loader dispatcher, where blocking
   * is allowed. The caller owns the engine and closes it.
   *
   * @throws Exception whose message is one sentence naming the value, the bound and the remedy
   */
  GenerationEngine open() throws Exception;
}
