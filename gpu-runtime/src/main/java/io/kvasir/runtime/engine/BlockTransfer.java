package io.kvasir.runtime.engine;

/** Copies of one call, done slice by slice. Engine thread. */
interface BlockTransfer {
  /**
   * Copies about so many bytes, one block at least, and answers the call after the last one.
   * Failures are answers too.
   *
   * @return bytes copied
   */
  long move(long bytes);

  boolean isDone();

  /** Answers the call with a failure. */
  void fail(RuntimeException why);
}
