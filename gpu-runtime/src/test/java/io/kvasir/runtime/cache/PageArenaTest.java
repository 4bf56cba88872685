package io.kvasir.runtime.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Slabs, page classes, generations and reference counts. */
final class PageArenaTest {
  private final HeapPageDevice device = new HeapPageDevice();

  private PageArena arena(long bytes, long slabBytes, long... classes) {
    return new PageArena(device.pages(bytes), classes, slabBytes);
  }

  @Test
  void shouldRefuseAStaleReferenceWithBothGenerations() {
    PageArena arena = arena(4096, 1024, 512);
    long old = arena.allocate(0);
    int page = SlotTable.slot(old);
    arena.unpin(page);
    arena.free(old);
    long young = arena.allocate(0);
    assertEquals(page, SlotTable.slot(young));

    StalePageException e = assertThrows(StalePageException.class, () -> arena.address(old));

    assertEquals(page, e.page());
    assertEquals(1, e.expectedGeneration());
    assertEquals(3, e.actualGeneration());
    assertEquals(0, arena.address(young));
    assertThrows(StalePageException.class, () -> arena.address(0));
  }

  @Test
  void shouldGiveASlabBackSoThatAnotherPageSizeCanUseIt() {
    PageArena arena = arena(2048, 1024, 512, 256);
    long[] large = {arena.allocate(0), arena.allocate(0), arena.allocate(0), arena.allocate(0)};
    assertEquals(0, arena.allocate(0));
    assertEquals(0, arena.allocate(1));
    for (int i = 2; i < 4; i++) {
      arena.unpin(SlotTable.slot(large[i]));
      arena.free(large[i]);
    }

    assertEquals(1, arena.freeSlabCount());
    assertTrue(arena.canAllocate(new int[] {0, 4}));
    assertFalse(arena.canAllocate(new int[] {0, 5}));
    assertFalse(arena.canAllocate(new int[] {1, 1}));
    for (int i = 0; i < 4; i++) {
      assertNotEquals(0, arena.allocate(1));
    }
    assertEquals(0, arena.allocate(1));
    assertThrows(StalePageException.class, () -> arena.address(large[2]));
  }

  @Test
  void shouldChooseSlabsWithLittleWaste() {
    assertEquals(1 << 20, PageArena.chooseSlabBytes(1L << 30, new long[] {1 << 18}));
    assertEquals(3 << 20, PageArena.chooseSlabBytes(3L << 28, new long[] {3 << 20}));
    long slab = PageArena.chooseSlabBytes(1L << 30, new long[] {393_216, 131_072});
    assertEquals(0, slab % 393_216);
    assertEquals(0, slab % 131_072);
  }

  @Test
  void shouldCountPinsExactlyUnderRandomUse() {
    Random random = new Random(5);
    PageArena arena = arena(64 << 10, 3072, 512, 768);
    List<Long> held = new ArrayList<>();
    List<Long> idle = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      int pageClass = random.nextInt(2);
      boolean fits = arena.allocatable(pageClass) > 0;
      if (random.nextInt(100) < 48) {
        long handle = arena.allocate(pageClass);
        if (handle != 0) {
          assertTrue(fits);
          held.add(handle);
        } else if (idle.isEmpty()) {
          assertFalse(fits, "everything is pinned, so nothing may be promised");
        }
      } else if (!held.isEmpty() && random.nextBoolean()) {
        long handle = held.remove(random.nextInt(held.size()));
        arena.unpin(SlotTable.slot(handle));
        idle.add(handle);
      } else if (!idle.isEmpty()) {
        long handle = idle.remove(random.nextInt(idle.size()));
        if (random.nextBoolean()) {
          arena.pin(SlotTable.slot(handle));
          held.add(handle);
        } else {
          arena.free(handle);
        }
      }
      if (i % 100 == 0) {
        assertNoOverlap(arena, held, idle);
      }
    }
    held.forEach(handle -> arena.unpin(SlotTable.slot(handle)));
    held.forEach(arena::free);
    idle.forEach(arena::free);
    assertEquals(0, arena.usedBytes());
    assertEquals(0, arena.pinnedBytes());
    assertEquals(arena.slabCount(), arena.freeSlabCount());
  }

  private static void assertNoOverlap(PageArena arena, List<Long> held, List<Long> idle) {
    Set<Long> addresses = new HashSet<>();
    held.forEach(handle -> assertTrue(addresses.add(arena.address(handle))));
    idle.forEach(handle -> assertTrue(addresses.add(arena.address(handle))));
  }

  private static BlockStore store(PageArena arena) {
    BlockLedger ledger =
        new BlockLedger(
            arena.pageIndexCount(), CacheFixture.oneGroup(), new HeapPageDevice(), arena.memory());
    return new BlockStore(arena, new int[] {0}, ledger, BlockListener.NONE);
  }

  @Test
  void shouldThrowWhenAPageIsReleasedOnceTooOften() {
    BlockStore store = store(arena(4096, 1024, 512));
    long page = store.allocate(0);
    store.release(page);
    assertThrows(StalePageException.class, () -> store.release(page));

    long block = store.allocate(0);
    store.seal(block, 1, 2, 1, 2, 0);
    store.release(block);
    assertThrows(IllegalStateException.class, () -> store.release(block));
    assertEquals(512, store.arena().usedBytes());
    assertEquals(0, store.arena().pinnedBytes());
  }

  @Test
  void shouldFillACarvedPageExactlyAndReturnItWhenItsLastFrameGoes() {
    LayerGroup group = CacheFixture.oneGroup().group(0);
    BlockStore store = store(arena(1024, 512, 512));
    FramePool pool = new FramePool(store, group);
    List<Long> frames = new ArrayList<>();
    Set<Long> addresses = new HashSet<>();
    for (int i = 0; i < 8; i++) {
      frames.add(pool.take());
      assertTrue(addresses.add(pool.address(frames.get(i))));
    }
    assertEquals(0, pool.take());
    assertEquals(1024, store.arena().usedBytes());
    assertEquals(1, pool.pagesFor(1));

    long stale = frames.get(0);
    frames.forEach(pool::give);
    assertEquals(0, store.arena().usedBytes());
    pool.take();
    assertThrows(StalePageException.class, () -> pool.address(stale));
  }

  @Test
  void shouldFindEveryKeyAfterManyRemovals() {
    Random random = new Random(9);
    KeyIndex index = new KeyIndex(256);
    boolean[] present = new boolean[256];
    for (int i = 0; i < 20_000; i++) {
      int page = random.nextInt(256);
      if (present[page]) {
        index.remove(page);
      } else {
        // Few low bits, so that probes run into each other.
        index.add(page, page, page % 5);
      }
      present[page] = !present[page];
      int probe = random.nextInt(256);
      assertEquals(present[probe] ? probe : -1, index.find(probe, probe % 5));
    }
  }
}
