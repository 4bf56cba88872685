package io.kvasir.runtime.engine;

import java.time.Duration;

/**
 * Bounds of what an engine does for tiers and peers between two steps.
 *
 * @param loadBytes copied in after a step at most, but one block at least: how long decoding
 *     requests wait for somebody else's blocks
 * @param readBytes copied out after a step at most, but one block at least
 * @param maxCalls calls that are not answered yet; further ones are refused
 * @param maxPins pins open at once
 * @param maxPinTtl longest life of a pin
 */
public record BlockOptions(
    long loadBytes, long readBytes, int maxCalls, int maxPins, Duration maxPinTtl) {
  /** 32 MiB in and 4 MiB out a step, 1,024 calls, 1,024 pins of at most an hour. */
  public static final BlockOptions DEFAULT =
      new BlockOptions(32L << 20, 4L << 20, 1024, 1024, Duration.ofHours(1));

  public BlockOptions {
    EngineOptions.check("blocks.loadBytes", loadBytes, 1);
    EngineOptions.check("blocks.readBytes", readBytes, 1);
    EngineOptions.check("blocks.maxCalls", maxCalls, 1);
    EngineOptions.check("blocks.maxPins", maxPins, 1);
    EngineOptions.check("blocks.maxPinTtl", maxPinTtl.toMillis(), 1);
  }

  /** The same with other slices. */
  public BlockOptions slices(long newLoadBytes, long newReadBytes) {
    return new BlockOptions(newLoadBytes, newReadBytes, maxCalls, maxPins, maxPinTtl);
  }

  /** The same with other bounds on calls and pins. */
  public BlockOptions bounds(int newMaxCalls, int newMaxPins) {
    return new BlockOptions(loadBytes, readBytes, newMaxCalls, newMaxPins, maxPinTtl);
  }
}
