package io.kvasir.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.cluster.ViewState.Life;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ViewStateTest {
  private static final Life LEFT = new Life("pekko://kvasir@h:1", 11);

  private static NodeInfo node(long id, Life life) {
    return new NodeInfo(
        id,
        life.uid() * 1000,
        "n" + id,
        life.address(),
        Set.of(),
        "1",
        List.of(),
        null,
        null,
        null);
  }

  @Test
  void shouldShowANodeThatIsMemberReachableAndIntroduced() {
    ViewState state = new ViewState(4);
    assertTrue(state.introduced(LEFT, node(1, LEFT), 0));
    assertEquals(List.of(), state.nodes());
    state.joined(LEFT);
    assertEquals(List.of(node(1, LEFT)), state.nodes());
    state.unreachable(LEFT);
    assertEquals(List.of(), state.nodes());
    state.reachable(LEFT);
    assertEquals(List.of(node(1, LEFT)), state.nodes());
    state.left(LEFT);
    assertEquals(List.of(), state.nodes());
  }

  @Test
  void shouldReplaceTheLifeBeforeAtTheSameAddress() {
    ViewState state = new ViewState(4);
    Life next = new Life(LEFT.address(), 12);
    state.joined(LEFT);
    state.introduced(LEFT, node(1, LEFT), 9);
    state.introduced(next, node(1, next), 0);
    state.joined(next);
    assertEquals(List.of(node(1, next)), state.nodes());
    state.left(LEFT);
    assertEquals(List.of(node(1, next)), state.nodes());
  }

  @Test
  void shouldIgnoreNewsOlderThanWhatItKnows() {
    ViewState state = new ViewState(4);
    state.joined(LEFT);
    NodeInfo newer = node(2, LEFT);
    state.introduced(LEFT, newer, 2);
    state.introduced(LEFT, node(1, LEFT), 1);
    assertEquals(List.of(newer), state.nodes());
  }

  @Test
  void shouldShowOneOfTwoNodesWithOneId() {
    ViewState state = new ViewState(4);
    Life other = new Life("pekko://kvasir@h:2", 5);
    for (Life life : List.of(other, LEFT)) {
      state.joined(life);
      state.introduced(life, node(7, life), 0);
    }
    assertEquals(List.of(node(7, LEFT)), state.nodes());
    assertEquals(List.of(other.address()), state.doubles());
  }

  @Test
  void shouldRefuseNodesBeyondItsBoundButNotMembersForStrangers() {
    ViewState state = new ViewState(1);
    Life stranger = new Life("pekko://kvasir@h:2", 5);
    assertTrue(state.introduced(stranger, node(2, stranger), 0));
    state.joined(LEFT);
    assertTrue(state.introduced(LEFT, node(1, LEFT), 0));
    assertFalse(state.introduced(stranger, node(2, stranger), 0));
    assertEquals(List.of(node(1, LEFT)), state.nodes());
  }

  @Test
  void shouldEqualItsDefinitionAfterAnyEvents() {
    for (long seed = 1; seed <= 200; seed++) {
      Random random = new Random(seed);
      ViewState state = new ViewState(64);
      Set<Life> members = new HashSet<>();
      Set<Life> unreachable = new HashSet<>();
      Map<Life, Long> introduced = new HashMap<>();
      for (int step = 0; step < 200; step++) {
        Life life = new Life("a" + random.nextInt(3), 1 + random.nextInt(3));
        switch (random.nextInt(5)) {
          case 0 -> {
            state.joined(life);
            members.add(life);
            for (Set<Life> set : List.of(members, unreachable, introduced.keySet())) {
              set.removeIf(l -> l.address().equals(life.address()) && l.uid() != life.uid());
            }
          }
          case 1 -> {
            state.left(life);
            members.remove(life);
            unreachable.remove(life);
            introduced.remove(life);
          }
          case 2 -> {
            state.unreachable(life);
            unreachable.add(life);
          }
          case 3 -> {
            state.reachable(life);
            unreachable.remove(life);
          }
          default -> {
            state.introduced(life, node(life.address().charAt(1), life), step);
            introduced.put(life, (long) step);
          }
        }
        List<String> expected = new ArrayList<>();
        for (Life known : introduced.keySet()) {
          if (members.contains(known) && !unreachable.contains(known)) {
            expected.add(known.address());
          }
        }
        expected.sort(null);
        assertEquals(
            expected, state.nodes().stream().map(NodeInfo::address).toList(), "seed=" + seed);
      }
    }
  }
}
