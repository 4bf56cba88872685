package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class KeyTableTest {
  @Test
  void shouldAgreeWithAMapHoweverKeysCollide() {
    long seed = Long.getLong("kvasir.seed", System.nanoTime());
    Random random = new Random(seed);
    KeyTable table = new KeyTable(64);
    Map<Long, Integer> model = new HashMap<>();
    for (int step = 0; step < 100_000; step++) {
      // Few distinct keys and groups, so that probe runs overlap and holes are closed often.
      int group = random.nextInt(2);
      long high = random.nextInt(12);
      long low = random.nextInt(8);
      long key = group * 1000L + high * 10 + low;
      if (model.containsKey(key)) {
        if (random.nextBoolean()) {
          table.remove(group, high, low);
          model.remove(key);
        }
      } else if (model.size() < 64) {
        table.put(group, high, low, step);
        model.put(key, step);
      } else {
        table.remove(group, high, low);
      }
      int expected = model.getOrDefault(key, KeyTable.NONE);
      assertEquals(expected, table.get(group, high, low), "repeat with -Dkvasir.seed=" + seed);
      assertEquals(model.size(), table.count());
    }
    for (int group = 0; group < 2; group++) {
      for (long high = 0; high < 12; high++) {
        for (long low = 0; low < 8; low++) {
          int expected = model.getOrDefault(group * 1000L + high * 10 + low, KeyTable.NONE);
          assertEquals(expected, table.get(group, high, low), "repeat with -Dkvasir.seed=" + seed);
        }
      }
    }
  }
}
