package io.kvasir.runtime.engine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.IntSupplier;

/** Counters written by the engine thread, read by anyone; no allocation, no contention. */
final class EngineCounters {
  /** One counter or gauge. */
  enum Counter {
    WAITING,
    RUNNING,
    STEPS,
    STEP_NS,
    PROMPT_TOKENS,
    PROMPT_TOKENS_HIT,
    GENERATED_TOKENS,
    FINISHED,
    CANCELLED,
    PREEMPTIONS,
    ARENA_BYTES,
    ARENA_USED_BYTES,
    ARENA_REFERENCED_BYTES,
    LEASES,
    PINS,
    CACHED_BLOCKS,
    LOADED_BLOCKS,
    LOADED_BYTES,
    READ_BLOCKS,
    READ_BYTES,
    REFUSED_BLOCKS
  }

  private static final VarHandle VALUES = MethodHandles.arrayElementVarHandle(long[].class);
  private final long[] values = new long[Counter.values().length];

  private volatile IntSupplier openCalls = () -> 0;

  /** Where the calls of tiers that wait for their answer are counted. */
  void openCalls(IntSupplier count) {
    openCalls = count;
  }

  void add(Counter counter, long amount) {
    int i = counter.ordinal();
    VALUES.setOpaque(values, i, values[i] + amount);
  }

  void set(Counter counter, long value) {
    VALUES.setOpaque(values, counter.ordinal(), value);
  }

  long get(Counter counter) {
    return (long) VALUES.getOpaque(values, counter.ordinal());
  }

  EngineStats snapshot(long refused) {
    return new EngineStats(
        (int) get(Counter.WAITING),
        (int) get(Counter.RUNNING),
        get(Counter.STEPS),
        get(Counter.STEP_NS),
        get(Counter.PROMPT_TOKENS),
        get(Counter.PROMPT_TOKENS_HIT),
        get(Counter.GENERATED_TOKENS),
        get(Counter.FINISHED),
        get(Counter.CANCELLED),
        refused,
        get(Counter.PREEMPTIONS),
        get(Counter.ARENA_BYTES),
        get(Counter.ARENA_USED_BYTES),
        get(Counter.ARENA_REFERENCED_BYTES),
        (int) get(Counter.LEASES),
        new EngineStats.Blocks(
            (int) get(Counter.PINS),
            get(Counter.LOADED_BLOCKS),
            get(Counter.LOADED_BYTES),
            get(Counter.READ_BLOCKS),
            get(Counter.READ_BYTES),
            get(Counter.REFUSED_BLOCKS),
            get(Counter.CACHED_BLOCKS),
            openCalls.getAsInt()));
  }
}
