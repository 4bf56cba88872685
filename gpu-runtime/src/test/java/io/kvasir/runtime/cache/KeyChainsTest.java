package io.kvasir.runtime.cache;

import static io.kvasir.runtime.cache.CacheFixture.SLOTS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.KeyScheme;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Keys made without a cache are the keys that a cache gives its blocks. */
final class KeyChainsTest {
  /** Tells what was sealed as {@code group/index key root}. */
  private record Told(List<String> sealed) implements BlockListener {
    @Override
    public void sealed(int group, long high, long low, long rootHigh, long rootLow, int index) {
      sealed.add(line(group, index, new BlockKey(high, low), new BlockKey(rootHigh, rootLow)));
    }

    @Override
    public void evicted(int group, long high, long low) {}

    static String line(int group, int index, BlockKey key, BlockKey root) {
      return group + "/" + index + " " + key + " " + root;
    }
  }

  private static int[] tokens(int count) {
    int[] tokens = new int[count];
    Arrays.setAll(tokens, i -> i * 7919 % 50021);
    return tokens;
  }

  private static KeyScheme scheme(CacheFixture f) {
    return new KeyScheme(SLOTS, f.cache.keyDomains());
  }

  private static void assertNamedAlike(CacheLayout layout) {
    for (String tenant : List.of("tenant", "other", "Mandant-ä", "")) {
      Told told = new Told(new ArrayList<>());
      try (CacheFixture f = new CacheFixture(layout, 1 << 16, told)) {
        int[] prompt = tokens(5 * SLOTS + 7);
        SequenceCache sequence = f.open(tenant);
        f.compute(sequence, prompt, prompt.length);
        BlockKeys keys = scheme(f).keys(tenant, prompt, prompt.length);
        assertEquals(5, keys.blockCount());
        List<String> expected = new ArrayList<>();
        for (int b = 0; b < 5; b++) {
          for (int g = 0; g < layout.groupCount(); g++) {
            expected.add(Told.line(g, b, keys.id(g, b).key(), keys.root().key()));
          }
        }
        assertEquals(expected, told.sealed);
        sequence.close();

        // A sequence that hit the beginning goes on with the same root and indices.
        int[] longer = tokens(8 * SLOTS);
        told.sealed.clear();
        SequenceCache second = f.open(tenant);
        assertEquals(5 * SLOTS, f.cache.attachPrefix(second, longer, longer.length));
        f.compute(second, longer, longer.length);
        BlockKey last = scheme(f).keys(tenant, longer, longer.length).id(0, 7).key();
        assertTrue(told.sealed.contains(Told.line(0, 7, last, keys.root().key())));
        second.close();
        f.assertNothingHeld();
      }
    }
  }

  @Test
  void shouldNameBlocksAsTheCacheOfOneGroupDoes() {
    assertNamedAlike(CacheFixture.oneGroup());
  }

  @Test
  void shouldNameBlocksAsTheCacheOfAWindowGroupDoes() {
    assertNamedAlike(CacheFixture.twoGroups(24));
  }

  /** Made by an implementation of the documented layout in another language. */
  @Test
  void shouldMakeTheGoldenKeys() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      assertGolden(
          f,
          "",
          List.of(
              "ab62b0964adb3921a40d52d67513ca21",
              "faacb46bc7e277690b1005cbc2401b63",
              "bd5c705aa8024b01a3d6dffe00b972f4",
              "845c23ceed6144304864d448d5c614ec",
              "0bdf16f0480ace004401d81ceaa3b5ec",
              "eb9e8ccbf823244b624ceefda9545011"));
      assertGolden(
          f,
          "tenant",
          List.of(
              "e72d83312ff7cdf149e494fac1e9100c",
              "0f4a7f42eaba66249a690a886bff125c",
              "2c84f28c1a1d6c982c69a654061a7d83",
              "316d4a8c72696dd374b96e8a59a0d3ab",
              "a1244735b9836b9d7abc881534536a21",
              "ac0e6cf511b66bb1fd365ee2cc5c9620"));
      assertGolden(
          f,
          "Mandant-ä",
          List.of(
              "80ffcc204966587f30a47cc4f3bc66a5",
              "5caed167a28d9a893413a6a771e7ba95",
              "97e7fbf43daeeb92cdfeda284d056aa9",
              "244e32b3a62519d2b4da8970d3d2ad66",
              "a354adcefd270d42f1e6e9756958f84b",
              "417b6339b10ae7980cd22affedec6e52"));
    }
  }

  private static void assertGolden(CacheFixture f, String tenant, List<String> expected) {
    BlockKeys keys = scheme(f).keys(tenant, tokens(50), 50);
    List<String> made = new ArrayList<>();
    for (int g = 0; g < keys.groupCount(); g++) {
      for (int b = 0; b < keys.blockCount(); b++) {
        made.add(keys.id(g, b).key().toString());
      }
    }
    assertEquals(expected, made);
  }

  @Test
  void shouldGiveTenantsDifferentKeys() {
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(24), 1 << 16)) {
      Set<BlockId> all = new HashSet<>();
      for (String tenant : List.of("a", "b", "ab", "")) {
        BlockKeys keys = scheme(f).keys(tenant, tokens(48), 48);
        for (int i = 0; i < 6; i++) {
          assertTrue(all.add(keys.id(i % 2, i / 2)));
        }
      }
      assertEquals(scheme(f), scheme(f));
      assertEquals(scheme(f).hashCode(), scheme(f).hashCode());
      assertNotEquals(scheme(f), new KeyScheme(32, f.cache.keyDomains()));
    }
  }
}
