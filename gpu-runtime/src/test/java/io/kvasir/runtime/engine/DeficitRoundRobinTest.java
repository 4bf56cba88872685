package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.engine.SchedulingPolicy.Running;
import io.kvasir.runtime.engine.SchedulingPolicy.Ticket;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class DeficitRoundRobinTest {
  private final DeficitRoundRobin policy = new DeficitRoundRobin(100);
  private long ids;

  private Ticket add(String tenant, int prompt, int max) {
    Ticket ticket = new Ticket(++ids, 0, tenant, ids, Long.MAX_VALUE, prompt, max);
    policy.waiting(ticket, false);
    return ticket;
  }

  private Ticket admit() {
    Ticket next = policy.next(0);
    policy.admitted(next);
    policy.removed(next);
    return next;
  }

  @Test
  void shouldKeepArrivalOrderInsideATenant() {
    Ticket first = add("a", 500, 10);
    Ticket second = add("a", 1, 1);
    assertEquals(first, admit());
    assertEquals(second, admit());
    assertNull(policy.next(0));
  }

  @Test
  void shouldShareTokensAmongTenantsHoweverManyRequestsOneSends() {
    for (int i = 0; i < 400; i++) {
      add("greedy", 40, 10);
    }
    for (int i = 0; i < 40; i++) {
      add("modest", 150, 50);
    }
    Map<String, Integer> tokens = new HashMap<>();
    for (int i = 0; i < 150; i++) {
      Ticket t = admit();
      tokens.merge(t.tenant(), t.promptTokens() + t.maxTokens(), Integer::sum);
    }
    int difference = Math.abs(tokens.get("greedy") - tokens.get("modest"));
    assertTrue(difference <= 400, "shares " + tokens);
  }

  @Test
  void shouldAdmitAPreemptedRequestBeforeItsTenantsOthersAndUncharged() {
    Ticket first = add("a", 10, 10);
    admit();
    add("a", 10, 10);
    policy.waiting(first, true);
    assertEquals(first, admit());
  }

  @Test
  void shouldForgetACancelledRequest() {
    Ticket first = add("a", 10, 10);
    Ticket second = add("a", 10, 10);
    policy.removed(first);
    assertEquals(second, policy.next(0));
    policy.removed(second);
    assertNull(policy.next(0));
  }

  @Test
  void shouldTakeTheYoungestAdmissionAsVictim() {
    Running old = new Running(new Ticket(1, 0, "a", 1, 0, 5, 5), 10, 100, 3);
    Running young = new Running(new Ticket(2, 0, "a", 0, 0, 5, 5), 20, 10, 3);
    assertEquals(young, policy.victim(List.of(young, old), 30));
  }
}
