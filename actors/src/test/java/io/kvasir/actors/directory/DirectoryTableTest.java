package io.kvasir.actors.directory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

final class DirectoryTableTest {
  private static long high(int block) {
    return Mix.mix64(block + 1);
  }

  private static long[] key(int block) {
    return new long[] {high(block), block};
  }

  private static void put(DirectoryTable table, Owner owner, int block, int tiers) {
    table.put(owner, high(block), block, tiers);
  }

  private static int sweepAll(DirectoryTable table) {
    int slices = 0;
    while (table.needsSweep()) {
      table.sweep(64);
      slices++;
    }
    return slices;
  }

  @Test
  void shouldNameEveryHolderOfABlockByTier() {
    DirectoryTable table = new DirectoryTable(1000, 8);
    for (int n = 0; n < 9; n++) {
      put(table, table.addOwner(n, 100 + n), 7, 1 + n % 7);
    }
    Hits hits = table.find(key(7));
    assertEquals(8, hits.count(), "the ninth is beyond the bound");
    assertEquals(1, table.refusedCount());
    for (int i = 0; i < 8; i++) {
      for (int t = 0; t < Hits.TIERS; t++) {
        boolean held = (1 + hits.owner(i).nodeId() % 7 & 1 << t) != 0;
        assertEquals(held, hits.bits(i, t) != null);
      }
    }
  }

  @Test
  void shouldMarkPlacesOfALongChain() {
    DirectoryTable table = new DirectoryTable(1000, 8);
    Owner owner = table.addOwner(1, 1);
    long[] keys = new long[2 * 130];
    for (int b = 0; b < 130; b++) {
      keys[2 * b] = high(b);
      keys[2 * b + 1] = b;
      if (b != 64) {
        put(table, owner, b, 1);
      }
    }
    assertArrayEquals(new long[] {-1L, -2L, 3L}, table.find(keys).bits(0, 0));
  }

  @Test
  void shouldForgetALifeAtOnceAndItsEntriesInSlices() {
    DirectoryTable table = new DirectoryTable(10_000, 8);
    Owner dead = table.addOwner(1, 1);
    Owner alive = table.addOwner(2, 1);
    for (int b = 0; b < 3000; b++) {
      put(table, dead, b, 1);
      put(table, alive, b, 2);
    }
    table.doom(dead);
    assertEquals(1, table.find(key(5)).count());
    assertEquals(6000, table.entryCount());
    assertTrue(sweepAll(table) > 10, "in slices");
    assertEquals(3000, table.entryCount());
    assertEquals(dead.slot(), table.addOwner(3, 1).slot(), "its slot is free again");
    assertEquals(1, table.find(key(5)).count());
  }

  @Test
  void shouldKeepTheOldUntilASnapshotIsWhole() {
    DirectoryTable table = new DirectoryTable(1000, 8);
    Owner owner = table.addOwner(1, 1);
    put(table, owner, 1, 1);
    put(table, owner, 2, 3);
    table.begin(owner, 1);
    assertEquals(0, table.find(key(1)).count(), "the tier was cleared");
    assertEquals(1, table.find(key(2)).count(), "another tier of it was not");
    put(table, owner, 3, 1);
    sweepAll(table);
    assertEquals(1, table.find(key(2)).count());
    table.end(owner);
    assertEquals(0, table.find(key(2)).count(), "the snapshot did not repeat it");
    assertEquals(1, table.find(key(3)).count());
    sweepAll(table);
    assertEquals(1, table.entryCount());
  }

  @Test
  void shouldSurviveMoreSnapshotsThanGenerationsWithoutASweep() {
    DirectoryTable table = new DirectoryTable(1000, 8);
    Owner owner = table.addOwner(1, 1);
    for (int i = 0; i < 5 * Owner.GENERATIONS; i++) {
      table.begin(owner, 0);
      put(table, owner, i, 1);
      assertEquals(1, table.find(key(0)).count(), "no snapshot has ended");
    }
    table.begin(owner, 0);
    put(table, owner, 9, 1);
    table.end(owner);
    assertEquals(1, table.find(key(9)).count());
    assertEquals(0, table.find(key(8)).count());
    sweepAll(table);
    assertEquals(1, table.entryCount());
  }

  @Test
  void shouldEvictTheOldestAnnouncementUnlessItWasUsed() {
    DirectoryTable table = new DirectoryTable(4, 8);
    Owner owner = table.addOwner(1, 1);
    // Blocks of one of the two segments, so that their order is one.
    int[] blocks = new int[6];
    for (int b = 0, found = 0; found < 6; b++) {
      if (Mix.mix64(high(b) ^ b) >= 0) {
        blocks[found++] = b;
      }
    }
    for (int i = 0; i < 4; i++) {
      put(table, owner, blocks[i], 1);
    }
    assertEquals(1, table.find(key(blocks[0])).count());
    put(table, owner, blocks[4], 1);
    put(table, owner, blocks[5], 1);
    assertEquals(2, table.evictedCount());
    assertEquals(4, table.entryCount());
    assertEquals(1, table.find(key(blocks[0])).count(), "a lookup had named it");
    assertEquals(0, table.find(key(blocks[1])).count());
    assertEquals(0, table.find(key(blocks[2])).count());
  }

  @Test
  void shouldEqualAMapOverManyRandomChanges() {
    long seed = Long.getLong("kvasir.seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    DirectoryTable table = new DirectoryTable(1_000_000, 64);
    Owner[] owners = new Owner[5];
    Map<Long, Integer> model = new HashMap<>();
    for (int n = 0; n < owners.length; n++) {
      owners[n] = table.addOwner(n, n);
    }
    for (int i = 0; i < 400_000; i++) {
      int n = random.nextInt(owners.length);
      int block = random.nextInt(30_000);
      int tiers = random.nextInt(8);
      put(table, owners[n], block, tiers);
      model.put(10L * block + n, tiers);
      if (random.nextInt(40_000) == 0) {
        table.doom(owners[n]);
        owners[n] = table.addOwner(n, i);
        model.keySet().removeIf(key -> key % 10 == n);
      }
      table.sweep(8);
    }
    sweepAll(table);
    model.values().removeIf(tiers -> tiers == 0);
    assertEquals(model.size(), table.entryCount(), "seed=" + seed);
    for (int block = 0; block < 30_000; block++) {
      for (int n = 0; n < owners.length; n++) {
        assertEquals(
            model.getOrDefault(10L * block + n, 0),
            table.tiers(owners[n], high(block), block),
            "seed=" + seed);
      }
    }
  }

  @Test
  void shouldServeLookupsBesideItsWriter() throws Exception {
    DirectoryTable table = new DirectoryTable(100_000, 8);
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Long> reader =
        CompletableFuture.supplyAsync(
            () -> {
              long named = 0;
              for (int b = 0; !stop.get() || b < 1000; b++) {
                Hits hits = table.find(key(b % 1000));
                for (int i = 0; i < hits.count(); i++) {
                  assertEquals(hits.owner(i).nodeId(), hits.owner(i).incarnation() % 3);
                  named++;
                }
              }
              return named;
            });
    Owner[] owners = new Owner[3];
    for (int life = 0; life < 300; life++) {
      int n = life % 3;
      if (owners[n] != null) {
        table.doom(owners[n]);
      }
      owners[n] = table.addOwner(n, life);
      for (int b = 0; b < 1000; b++) {
        put(table, owners[n], b, 1);
      }
      sweepAll(table);
    }
    stop.set(true);
    assertTrue(reader.get(60, TimeUnit.SECONDS) > 0);
    assertEquals(3000, table.entryCount());
    assertFalse(table.needsSweep());
  }
}
