package io.kvasir.actors.directory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class PlacementTest {
  private static final int ROOTS = 20_000;

  private static Placement of(int copies, long... nodes) {
    return new Placement(nodes, copies, Map.of());
  }

  private static long root(int i) {
    return Mix.root(i, 1);
  }

  @Test
  void shouldSpreadRootsEvenly() {
    Placement placement = of(2, LongStream.range(0, 10).toArray());
    Map<Long, Integer> load = new HashMap<>();
    for (int i = 0; i < ROOTS; i++) {
      long[] places = placement.places(root(i));
      assertNotEquals(places[0], places[1]);
      for (long node : places) {
        load.merge(node, 1, Integer::sum);
      }
    }
    // Mean 4,000, standard deviation 57.
    load.values().forEach(n -> assertTrue(n > 3650 && n < 4350, "load " + load));
  }

  @Test
  void shouldMoveOnlyWhatALostNodeKept() {
    Placement before = of(2, 1, 2, 3, 4, 5);
    Placement after = of(2, 1, 2, 4, 5);
    for (int i = 0; i < ROOTS; i++) {
      long[] old = before.places(root(i));
      long[] now = after.places(root(i));
      for (long node : old) {
        assertTrue(node == 3 || Arrays.stream(now).anyMatch(n -> n == node));
      }
      if (Arrays.stream(old).noneMatch(n -> n == 3)) {
        assertArrayEquals(old, now);
      }
    }
  }

  @Test
  void shouldMoveToANewNodeOnlyItsShare() {
    Placement before = of(2, 1, 2, 3, 4);
    Placement after = of(2, 1, 2, 3, 4, 5);
    int moved = 0;
    for (int i = 0; i < ROOTS; i++) {
      long root = root(i);
      for (long node : after.places(root)) {
        assertTrue(node == 5 || before.keeps(node, root));
        moved += node == 5 ? 1 : 0;
      }
    }
    assertEquals(2.0 * ROOTS / 5, moved, 0.05 * ROOTS);
  }

  @Test
  void shouldKeepWhatItPlaces() {
    Placement placement = new Placement(new long[] {9, 3, 7, 5}, 2, Map.of(root(1), 3));
    for (int i = 0; i < 200; i++) {
      long root = root(i);
      long[] places = placement.places(root);
      assertEquals(i == 1 ? 3 : 2, places.length);
      for (long node : new long[] {3, 5, 7, 9, 11}) {
        assertEquals(Arrays.stream(places).anyMatch(n -> n == node), placement.keeps(node, root));
      }
      assertArrayEquals(places, Arrays.copyOf(placement.places(root, 4), places.length));
    }
  }

  @Test
  void shouldNameAViewByItsNodesAlone() {
    assertEquals(of(2, 1, 2, 3).view(), of(2, 3, 2, 1).view());
    assertNotEquals(of(2, 1, 2, 3).view(), of(2, 1, 2).view());
    assertNotEquals(0, Placement.NOWHERE.view());
    assertEquals(0, Placement.NOWHERE.places(root(1)).length);
  }

  @Test
  void shouldFindRootsAskedForMuchAmongMany() {
    HotRoots hot = new HotRoots(64, 100);
    for (int i = 0; i < 10_000; i++) {
      hot.touch(root(i));
      if (i % 50 == 0) {
        hot.touch(root(-1));
      }
    }
    assertTrue(hot.endInterval().contains(root(-1)));
    for (int i = 0; i < 20; i++) {
      hot.endInterval();
    }
    assertTrue(hot.endInterval().isEmpty());
  }
}
