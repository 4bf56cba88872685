package io.kvasir.actors.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SessionStateTest {
  private static final long SECOND_NS = 1_000_000_000L;

  @Test
  void shouldKnowNothingBeforeItsFirstUse() {
    SessionState state = new SessionState();
    assertNull(state.last("acme"));
    state.putAway(
        Duration.ZERO,
        (tenant, last) -> {
          throw new AssertionError();
        },
        0);
  }

  @Test
  void shouldBelongToItsFirstTenant() {
    SessionState state = new SessionState();
    state.note("acme", SessionNode.use(3), 0);
    state.note("other", SessionNode.use(4), 0);
    assertEquals(SessionNode.use(3), state.last("acme"));
    assertNull(state.last("other"));
    assertEquals(1, state.requests());
  }

  @Test
  void shouldDemoteOnlyWhatHasBeenIdle() {
    SessionState state = new SessionState();
    List<String> demoted = new ArrayList<>();
    Demoter demoter = (tenant, last) -> demoted.add(tenant + " " + last.blockCount());
    state.note("acme", SessionNode.use(3), Long.MAX_VALUE);
    assertEquals(2000, state.idleMs(Long.MAX_VALUE + 2 * SECOND_NS));
    state.putAway(Duration.ofSeconds(60), demoter, Long.MAX_VALUE + 59 * SECOND_NS);
    assertEquals(List.of(), demoted);
    state.putAway(Duration.ofSeconds(60), demoter, Long.MAX_VALUE + 60 * SECOND_NS);
    assertEquals(List.of("acme 3"), demoted);
  }
}
