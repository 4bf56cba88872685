package io.kvasir.actors.api;

import io.kvasir.actors.gateway.ModelText;
import io.kvasir.runtime.engine.GenerationEngine;

/**
 * Where a node's model comes from. Both methods run once, each on a thread of the loader
 * dispatcher, possibly at the same time, and may block; what they throw is told to clients in one
 * sentence.
 */
public interface ModelSource extends AutoCloseable {
  /**
   * What the model will take, asked before any model of the node is loaded. A model that cannot be
   * looked at takes nothing: loading it says what is wrong.
   *
   * @throws io.kvasir.actors.settings.ConfigurationException when it asks for what cannot be
   */
  default MemoryDemand memory() {
    return MemoryDemand.NONE;
  }

  /** Tokeniser, chat template and defaults. */
  ModelText openText() throws Exception;

  /**
   * Tokeniser, chat template and defaults on a node that never opens the engine, because other
   * nodes compute.
   */
  default ModelText openTextAlone() throws Exception {
    return openText();
  }

  /** The engine; the node owns it and closes it. */
  GenerationEngine openEngine() throws Exception;

  /** Gives back what both share, after the engine was closed and no text is decoded any more. */
  @Override
  default void close() {}
}
