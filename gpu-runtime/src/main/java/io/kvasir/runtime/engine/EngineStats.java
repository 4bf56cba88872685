package io.kvasir.runtime.engine;

/**
 * Counters since start and gauges of now.
 *
 * @param leases of running requests and of pins
 * @param blocks what moved in and out for tiers and peers
 */
public record EngineStats(
    int waiting,
    int running,
    long steps,
    long stepNs,
    long promptTokens,
    long promptTokensHit,
    long generatedTokens,
    long finishedRequests,
    long cancelledRequests,
    long refusedRequests,
    long preemptions,
    long arenaBytes,
    long arenaUsedBytes,
    long arenaReferencedBytes,
    int leases,
    Blocks blocks) {
  /**
   * Blocks that moved.
   *
   * @param pins open now
   * @param refusedBlocks that did not prove themselves and were not taken (law 2)
   * @param cachedBlocks with a key, now
   * @param openCalls of tiers and peers that wait for their answer
   */
  public record Blocks(
      int pins,
      long loadedBlocks,
      long loadedBytes,
      long readBlocks,
      long readBytes,
      long refusedBlocks,
      long cachedBlocks,
      int openCalls) {
    public static final Blocks NONE = new Blocks(0, 0, 0, 0, 0, 0, 0, 0);
  }
}
