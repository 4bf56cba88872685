package io.kvasir.actors.directory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.directory.DirectoryMessage.Found;
import io.kvasir.actors.directory.DirectoryMessage.Held;
import io.kvasir.actors.directory.LookupRun.Step;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LookupRunTest {
  private static Found found(int part, long node, boolean complete, long places) {
    return new Found(1, part, node, complete, 0, List.of(new Held(7, 70, 0, new long[] {places})));
  }

  @Test
  void shouldTakeTheFirstCompleteAnswer() {
    LookupRun run = new LookupRun(new long[] {1, 2}, 1);
    assertEquals(1, run.ask(10));
    assertEquals(2, run.ask(20));
    assertEquals(-1, run.ask(30));
    assertTrue(run.isLate());
    assertEquals(Step.FINISH, run.onFound(found(0, 2, true, 5)));
    assertEquals(20, run.askedAtNs(2));
    assertEquals(-1, run.askedAtNs(1));
    assertFalse(run.isLate());
    assertTrue(run.finish());
    assertFalse(run.finish());
    assertEquals(Step.WAIT, run.onFound(found(0, 1, true, 2)));
    assertArrayEquals(new long[] {5}, run.held().getFirst().places());
  }

  @Test
  void shouldMergeCopiesThatHaveNotHeardAllOwners() {
    LookupRun run = new LookupRun(new long[] {1, 2}, 1);
    run.ask(0);
    assertEquals(Step.ASK, run.onFound(found(0, 1, false, 1)));
    run.ask(0);
    assertEquals(Step.FINISH, run.onFound(found(0, 2, false, 6)));
    assertArrayEquals(new long[] {7}, run.held().getFirst().places());
  }

  @Test
  void shouldJoinThePartsOfALongChain() {
    LookupRun run = new LookupRun(new long[] {1}, 2);
    run.ask(0);
    assertEquals(Step.WAIT, run.onFound(found(1, 1, true, 3)));
    assertEquals(Step.WAIT, run.onFound(found(1, 1, true, 3)), "a part twice is not two parts");
    assertTrue(run.isLate());
    assertEquals(Step.FINISH, run.onFound(found(0, 1, true, 1)));
    long[] places = run.held().getFirst().places();
    assertEquals(1 + DirectoryMessage.MAX_KEYS / 64, places.length);
    assertEquals(1, places[0]);
    assertEquals(3, places[places.length - 1]);
  }

  @Test
  void shouldIgnoreStrangersAndImpossibleParts() {
    LookupRun run = new LookupRun(new long[] {1, 2}, 1);
    run.ask(0);
    assertEquals(Step.WAIT, run.onFound(found(0, 2, true, 1)), "it was not asked");
    assertEquals(Step.WAIT, run.onFound(found(-1, 1, true, 1)));
    assertEquals(Step.WAIT, run.onFound(found(5, 1, true, 1)));
    assertTrue(run.held().isEmpty());
  }
}
