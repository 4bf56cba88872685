package io.kvasir.actors.directory;

import io.kvasir.runtime.blocks.BlockKeys;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/** Asks who holds a chain. Any thread; never blocks. */
public interface Directory {
  /**
   * Looks the chain up on the nodes that keep its root, the second one hedged.
   *
   * @param keys with at least one block
   * @param deadline from now; the answer of a directory that is late is {@link Holdings#NONE},
   *     which says so
   * @return never fails
   */
  CompletionStage<Holdings> lookup(BlockKeys keys, Duration deadline);
}
