package io.kvasir.runtime.engine;

import java.util.function.LongSupplier;

/**
 * Bounds of one engine.
 *
 * @param arenaBytes memory of the KV arena
 * @param stepRows rows of a step at most; the size of a prefill chunk when nothing decodes
 * @param stepRowLayers rows × layers of a step at most: what bounds the wait of a decoding request
 *     for somebody else's prefill
 * @param maxRunning requests that hold cache at once
 * @param maxWaiting requests that wait at most; further ones are refused
 * @param leaseNs how long an engine may be stuck before the leases of its requests run out
 * @param seedBase seeds of unseeded requests are drawn from it; null: from the system's entropy
 * @param warmUpNs how long an engine may run steps for the compiler before it takes requests; 0 =
 *     not at all
 * @param blocks bounds of the work for tiers and peers
 * @param clockNs monotonic clock
 */
public record EngineOptions(
    long arenaBytes,
    int stepRows,
    long stepRowLayers,
    int maxRunning,
    int maxWaiting,
    long leaseNs,
    Long seedBase,
    long warmUpNs,
    BlockOptions blocks,
    LongSupplier clockNs) {
  public EngineOptions {
    check("arenaBytes", arenaBytes, 1);
    check("stepRows", stepRows, 1);
    check("stepRowLayers", stepRowLayers, 1);
    check("maxRunning", maxRunning, 1);
    check("maxWaiting", maxWaiting, 1);
    check("leaseNs", leaseNs, 1);
    check("warmUpNs", warmUpNs, 0);
  }

  /** 512 rows a step, 64 running, 256 waiting, no warm-up. */
  public static EngineOptions of(long arenaBytes) {
    return new EngineOptions(
        arenaBytes,
        512,
        Long.MAX_VALUE,
        64,
        256,
        60_000_000_000L,
        null,
        0,
        BlockOptions.DEFAULT,
        System::nanoTime);
  }

  public EngineOptions steps(int rows, long rowLayers) {
    return new EngineOptions(
        arenaBytes,
        rows,
        rowLayers,
        maxRunning,
        maxWaiting,
        leaseNs,
        seedBase,
        warmUpNs,
        blocks,
        clockNs);
  }

  public EngineOptions queue(int running, int waiting) {
    return new EngineOptions(
        arenaBytes,
        stepRows,
        stepRowLayers,
        running,
        waiting,
        leaseNs,
        seedBase,
        warmUpNs,
        blocks,
        clockNs);
  }

  public EngineOptions seedBase(long value) {
    return new EngineOptions(
        arenaBytes,
        stepRows,
        stepRowLayers,
        maxRunning,
        maxWaiting,
        leaseNs,
        value,
        warmUpNs,
        blocks,
        clockNs);
  }

  public EngineOptions clock(LongSupplier value) {
    return new EngineOptions(
        arenaBytes,
        stepRows,
        stepRowLayers,
        maxRunning,
        maxWaiting,
        leaseNs,
        seedBase,
        warmUpNs,
        blocks,
        value);
  }

  public EngineOptions warmUp(long value) {
    return new EngineOptions(
        arenaBytes,
        stepRows,
        stepRowLayers,
        maxRunning,
        maxWaiting,
        leaseNs,
        seedBase,
        value,
        blocks,
        clockNs);
  }

  public EngineOptions blocks(BlockOptions value) {
    return new EngineOptions(
        arenaBytes,
        stepRows,
        stepRowLayers,
        maxRunning,
        maxWaiting,
        leaseNs,
        seedBase,
        warmUpNs,
        value,
        clockNs);
  }

  static void check(String name, long value, long min) {
    if (value < min) {
      throw new IllegalArgumentException(
          "kvasir.runtime.engine."
              + name
              + "="
              + value
              + " must be at least "
              + min
              + ", raise it or leave it out");
    }
  }
}
