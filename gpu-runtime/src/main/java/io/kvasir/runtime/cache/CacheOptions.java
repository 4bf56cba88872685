package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.PageEncoding;
import java.util.function.LongSupplier;

/**
 * Bounds and defaults of one {@link KvCache}.
 *
 * @param arenaBytes memory for pages; one page of every group must fit, the device refuses what it
 *     does not have
 * @param encoding how pages hold K and V unless a group says otherwise
 * @param slots entries per page, a multiple of 16
 * @param maxSequences sequences open at once
 * @param maxEntriesPerSequence entries a sequence may hold or reserve per group
 * @param maxStateBytes device memory for recurrent states, journals and spares
 * @param maxPins pins of blocks open at once
 * @param clockNs monotonic clock of lease deadlines
 */
public record CacheOptions(
    long arenaBytes,
    PageEncoding encoding,
    int slots,
    int maxSequences,
    int maxEntriesPerSequence,
    long maxStateBytes,
    int maxPins,
    LongSupplier clockNs) {
  public CacheOptions {
    check("arenaBytes", arenaBytes, 1, Long.MAX_VALUE);
    check("maxSequences", maxSequences, 1, 1 << 20);
    check("maxEntriesPerSequence", maxEntriesPerSequence, 1, 1 << 28);
    check("maxStateBytes", maxStateBytes, 0, Long.MAX_VALUE);
    check("maxPins", maxPins, 1, 1 << 20);
    if (slots <= 0 || slots % 16 != 0) {
      throw new IllegalArgumentException(
          "cache slots=" + slots + " is not a positive multiple of 16, use 16, 32 or 64");
    }
    if (encoding == null || clockNs == null) {
      throw new IllegalArgumentException("cache options need an encoding and a clock");
    }
  }

  /**
   * bf16 pages of 32 entries, 1,024 sequences of up to 1 Mi entries, 1 GiB of states, 1,024 pins.
   */
  public static CacheOptions of(long arenaBytes) {
    return new CacheOptions(
        arenaBytes, PageEncoding.BF16, 32, 1024, 1 << 20, 1L << 30, 1024, System::nanoTime);
  }

  public CacheOptions withEncoding(PageEncoding value) {
    return new CacheOptions(
        arenaBytes,
        value,
        slots,
        maxSequences,
        maxEntriesPerSequence,
        maxStateBytes,
        maxPins,
        clockNs);
  }

  public CacheOptions withSlots(int value) {
    return new CacheOptions(
        arenaBytes,
        encoding,
        value,
        maxSequences,
        maxEntriesPerSequence,
        maxStateBytes,
        maxPins,
        clockNs);
  }

  public CacheOptions withMaxSequences(int value) {
    return new CacheOptions(
        arenaBytes, encoding, slots, value, maxEntriesPerSequence, maxStateBytes, maxPins, clockNs);
  }

  public CacheOptions withMaxEntriesPerSequence(int value) {
    return new CacheOptions(
        arenaBytes, encoding, slots, maxSequences, value, maxStateBytes, maxPins, clockNs);
  }

  public CacheOptions withMaxStateBytes(long value) {
    return new CacheOptions(
        arenaBytes, encoding, slots, maxSequences, maxEntriesPerSequence, value, maxPins, clockNs);
  }

  public CacheOptions withMaxPins(int value) {
    return new CacheOptions(
        arenaBytes,
        encoding,
        slots,
        maxSequences,
        maxEntriesPerSequence,
        maxStateBytes,
        value,
        clockNs);
  }

  public CacheOptions withClock(LongSupplier value) {
    return new CacheOptions(
        arenaBytes,
        encoding,
        slots,
        maxSequences,
        maxEntriesPerSequence,
        maxStateBytes,
        maxPins,
        value);
  }

  private static void check(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          "kvasir.runtime.cache."
              + name
              + "="
              + value
              + " is outside "
              + min
              + ".."
              + max
              + ", choose a value in that range");
    }
  }
}
