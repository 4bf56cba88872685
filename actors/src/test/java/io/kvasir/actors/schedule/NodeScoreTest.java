package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.schedule.NodeScore.Candidate;
import io.kvasir.actors.schedule.NodeScore.Scored;
import java.util.List;
import org.junit.jupiter.api.Test;

final class NodeScoreTest {
  private static final long MS = 1_000_000;
  private static final double RATE = 1000; // tokens a second: a millisecond each
  private static final long ROOM = 1_000_000;

  private static Candidate node(
      long id, int busy, long backlog, int device, int loadable, long loadMs) {
    return node(id, busy, backlog, ROOM, device, loadable, loadMs);
  }

  private static Candidate node(
      long id, int busy, long backlog, long room, int device, int loadable, long loadMs) {
    return new Candidate(
        id, "n" + id, busy, backlog, RATE, 0, room, device, loadable, loadMs * MS, 2 * MS, id);
  }

  private static long best(int prompt, Candidate... nodes) {
    return NodeScore.rank(List.of(nodes), prompt, false).getFirst().candidate().nodeId();
  }

  @Test
  void shouldPreferTheLongestPrefixAmongIdleNodes() {
    assertEquals(
        2, best(1000, node(1, 0, 0, 0, 0, 0), node(2, 0, 0, 800, 0, 0), node(3, 0, 0, 400, 0, 0)));
  }

  @Test
  void shouldLeaveALoadedNodeAlone() {
    assertEquals(2, best(100, node(1, 5, 700, 0, 0, 0), node(2, 1, 50, 0, 0, 0)));
  }

  @Test
  void shouldKeepAPrefixWhereQueueingIsCheaperThanComputing() {
    assertEquals(1, best(1000, node(1, 2, 300, 900, 0, 0), node(2, 0, 0, 0, 0, 0)));
  }

  @Test
  void shouldReplicateAHotPrefixWhereLoadingIsFasterThanQueueing() {
    Candidate hot = node(1, 9, 300, 900, 0, 0);
    Candidate cold = node(2, 0, 0, 0, 900, 50);
    assertEquals(2, best(1000, hot, cold));
    Scored chosen = NodeScore.rank(List.of(hot, cold), 1000, false).getFirst();
    assertEquals(50 * MS, chosen.loadNs());
    assertEquals(100, chosen.computeTokens());
    assertEquals(100 * MS, chosen.computeNs());
    assertEquals(152 * MS, chosen.totalNs());
    // Where the queue is short the prefix stays where it is.
    assertEquals(1, best(1000, node(1, 1, 30, 900, 0, 0), cold));
  }

  @Test
  void shouldWaitBehindAColdPromptRatherThanComputeAPrefixAgain() {
    Candidate idle = node(2, 0, 0, 0, 0, 0);
    assertEquals(1, best(1000, node(1, 1, 1000, 900, 0, 0), idle));
    assertEquals(1, best(1000, node(1, 2, 2500, 900, 0, 0), idle));
    // Behind three of them the second copy is worth its time and memory.
    assertEquals(2, best(1000, node(1, 3, 3000, 900, 0, 0), idle));
  }

  @Test
  void shouldFillEmptyMemoryBeforeItPushesBlocksOut() {
    Candidate full = node(1, 0, 0, 0, 0, 0, 0);
    assertEquals(2, best(1000, full, node(2, 1, 900, 1000, 0, 0, 0)));
    // Where the one with room has more to do than computing twice, the other one takes it.
    assertEquals(1, best(1000, full, node(2, 1, 1100, 1000, 0, 0, 0)));
    assertEquals(400 * MS, NodeScore.score(node(1, 0, 0, 600, 0, 0, 0), 1000).evictNs());
    // What is there already pushes nothing out, and a prefix stays where memory is short.
    assertEquals(0, NodeScore.score(node(1, 0, 0, 100, 900, 0, 0), 1000).evictNs());
    assertEquals(1, best(1000, node(1, 0, 0, 0, 900, 0, 0), node(2, 0, 0, 5000, 0, 0, 0)));
  }

  @Test
  void shouldComputeWhatIsLoadedMoreSlowly() {
    Scored scored = NodeScore.score(node(1, 0, 0, 0, 500, 900), 1000);
    assertEquals(0, scored.loadNs());
    assertEquals(1000, scored.computeTokens());
  }

  @Test
  void shouldAlwaysComputeTheLastToken() {
    assertEquals(1, NodeScore.score(node(1, 0, 0, 1000, 0, 0), 1000).computeTokens());
    Scored loaded = NodeScore.score(node(1, 0, 0, 0, 1000, 1), 1000);
    assertEquals(1, loaded.computeTokens());
  }

  @Test
  void shouldCountTheWaitForAPlaceInTheBatch() {
    Candidate full = new Candidate(1, "full", 64, 0, RATE, 500 * MS, ROOM, 0, 0, 0, 0, 0);
    assertEquals(2, best(100, full, node(2, 3, 200, 0, 0, 0)));
  }

  @Test
  void shouldTakeTheIdlerOfEquals() {
    assertEquals(2, best(10, node(1, 4, 0, 0, 0, 0), node(2, 1, 0, 0, 0, 0)));
  }

  @Test
  void shouldLookAtNothingButRequestsWhenLeastLoadedIsAskedFor() {
    List<Scored> ranked =
        NodeScore.rank(List.of(node(1, 3, 0, 1000, 0, 0), node(2, 2, 5000, 0, 0, 0)), 1000, true);
    assertEquals(2, ranked.getFirst().candidate().nodeId());
    assertTrue(ranked.getFirst().totalNs() > ranked.get(1).totalNs());
  }
}
