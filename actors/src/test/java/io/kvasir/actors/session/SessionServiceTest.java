package io.kvasir.actors.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.session.Sessions.Hint;
import io.kvasir.actors.session.Sessions.Use;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Two members of one cluster in this JVM. */
final class SessionServiceTest {
  private static final int MAX_SESSIONS = 50;
  private static SessionNode first;
  private static SessionNode second;

  @BeforeAll
  static void start() throws Exception {
    first = new SessionNode();
    second = new SessionNode();
    SessionNode.form(
        SessionNode.settings(
            "number-of-shards = 16, demote-after = 0 s, max-sessions = " + MAX_SESSIONS),
        first,
        second);
  }

  @AfterAll
  static void stop() throws Exception {
    second.close();
    first.close();
  }

  private static SessionNode node(int i) {
    return i % 2 == 0 ? first : second;
  }

  @Test
  void shouldTellOnOneNodeWhatAnotherRecorded() throws Exception {
    for (int i = 0; i < 10; i++) {
      String id = "told-" + i;
      node(i).sessions().record("acme", id, SessionNode.use(5));
      Hint hint = node(i + 1).await("acme", id, Optional::isPresent).orElseThrow();
      assertEquals(SessionNode.use(5), hint.last());
      assertEquals(1, hint.requests());
    }
  }

  @Test
  void shouldKeepTheLastUse() throws Exception {
    first.sessions().record("acme", "last", SessionNode.use(5));
    first.sessions().record("acme", "last", SessionNode.use(9));
    Optional<Hint> hint =
        second.await("acme", "last", h -> h.isPresent() && h.get().requests() == 2);
    assertEquals(9, hint.orElseThrow().last().blockCount());
  }

  @Test
  void shouldKeepTenantsApart() throws Exception {
    first.sessions().record("acme", "mine", SessionNode.use(5));
    first.await("acme", "mine", Optional::isPresent);
    assertTrue(first.ask("other", "mine", Duration.ofSeconds(10)).isEmpty());
  }

  @Test
  void shouldNotNameANodeWhoseLifeIsOver() throws Exception {
    first.sessions().record("acme", "dead", new Use(7, 69, 1, 2, 5, 1, 1, null));
    first.sessions().record("acme", "probe", SessionNode.use(1));
    first.await("acme", "probe", Optional::isPresent);
    assertTrue(first.ask("acme", "dead", Duration.ofSeconds(10)).isEmpty());
  }

  @Test
  void shouldPutTheLeastRecentlyUsedAwayAndDemoteItsKv() throws Exception {
    int sessions = 6 * MAX_SESSIONS;
    for (int i = 0; i < sessions; i++) {
      first.sessions().record("many", "many-" + i, SessionNode.use(i));
    }
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (demotedOfMany().size() < sessions - 2 * MAX_SESSIONS) {
      if (System.nanoTime() - endNs > 0) {
        throw new TimeoutException("demoted " + demotedOfMany().size() + " of " + sessions);
      }
      Thread.onSpinWait();
    }
    assertTrue(first.service().metrics().open() <= 2 * MAX_SESSIONS);
    assertTrue(demotedOfMany().contains("many 0"), "the oldest is among them");
  }

  private static List<String> demotedOfMany() {
    List<String> all = new ArrayList<>(first.demoted());
    all.addAll(second.demoted());
    all.removeIf(line -> !line.startsWith("many "));
    return all;
  }

  @Test
  void shouldNameEachSessionByTenantAndId() {
    assertEquals(32, SessionClient.key("a", "b".repeat(10_000)).length());
    assertTrue(!SessionClient.key("ab", "c").equals(SessionClient.key("a", "bc")));
    assertEquals(SessionClient.key("a", "b"), SessionClient.key("a", "b"));
  }
}
