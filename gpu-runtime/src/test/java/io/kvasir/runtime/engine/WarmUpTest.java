package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.CacheStats;
import io.kvasir.runtime.model.SeamHarness;
import org.junit.jupiter.api.Test;

final class WarmUpTest {
  private static EngineHarness open(long arenaBytes, long warmUpNs) {
    return new EngineHarness(
        SeamHarness.config(),
        EngineOptions.of(arenaBytes).steps(64, Long.MAX_VALUE).warmUp(warmUpNs),
        new DeficitRoundRobin(64));
  }

  @Test
  void shouldLeaveNothingBehindThatARequestCouldSee() {
    int[] prompt = SeamHarness.tokens(64, 1);
    int[] expected;
    try (EngineHarness cold = open(8 << 20, 0)) {
      expected = cold.generate(prompt, EngineHarness.seeded(20, 3));
    }
    try (EngineHarness h = open(8 << 20, 100_000_000)) {
      h.core.warmUp();
      CacheStats stats = h.cache.stats();
      assertEquals(0, h.cache.leaseCount());
      assertEquals(0, h.cache.usedBytes());
      assertEquals(0, stats.sealedBlocks());
      assertEquals(0, stats.blocks());
      EngineStats counters = h.counters.snapshot(0);
      assertEquals(0, counters.steps());
      assertEquals(0, counters.generatedTokens());
      TokenStream stream = h.submit("", prompt, EngineHarness.seeded(20, 3));
      h.runAll();
      assertEquals(0, stream.usage().deviceHitTokens());
      assertArrayEquals(expected, stream.snapshot());
    }
  }

  @Test
  void shouldGoOnWhileIdleAndComeToAnEndThatLeavesNothing() {
    int[] prompt = SeamHarness.tokens(64, 1);
    int[] expected;
    try (EngineHarness cold = open(8 << 20, 0)) {
      assertEquals(0, cold.core.warmUpWhileIdle(), "no warm-up was asked for");
      expected = cold.generate(prompt, EngineHarness.seeded(20, 3));
    }
    try (EngineHarness h = open(8 << 20, 30_000_000)) {
      h.core.warmUp();
      long startNs = System.nanoTime();
      int rounds = 0;
      while (h.core.warmUpWhileIdle() > 0) {
        rounds++;
        assertEquals(0, h.cache.usedBytes());
        assertEquals(0, h.cache.leaseCount());
        if (rounds == 1) {
          // Somebody asks between two rounds.
          assertArrayEquals(expected, h.generate(prompt, EngineHarness.seeded(20, 3)));
          int cached = h.cache.blockCount();
          assertTrue(cached > 0);
          assertEquals(0, h.core.warmUpWhileIdle(), "it takes no page that could be a hit's");
          assertEquals(cached, h.cache.evictUnreferenced());
        }
      }
      assertTrue(System.nanoTime() - startNs < 20_000_000_000L, "it has a bound of its own");
      assertEquals(0, h.core.warmUpWhileIdle());
      assertArrayEquals(expected, h.generate(prompt, EngineHarness.seeded(20, 3)));
    }
  }

  @Test
  void shouldEndWhenStepsGetNoFaster() {
    // An hour's bound: only settling ends it.
    try (EngineHarness h = open(8 << 20, 3_600_000_000_000L)) {
      h.core.warmUp();
      assertEquals(0, h.cache.usedBytes());
    }
  }

  @Test
  void shouldFitAnArenaOfAFewPages() {
    try (EngineHarness h = open(EngineHarness.tokenBytes() * 32, 50_000_000)) {
      h.core.warmUp();
      assertEquals(0, h.cache.usedBytes());
      assertEquals(4, h.generate(SeamHarness.tokens(8, 1), EngineHarness.greedy(4)).length);
    }
  }

  @Test
  void shouldRefuseANegativeBound() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> EngineOptions.of(1 << 20).warmUp(-1));
    assertTrue(e.getMessage().contains("warmUpNs=-1"), e.getMessage());
  }
}
