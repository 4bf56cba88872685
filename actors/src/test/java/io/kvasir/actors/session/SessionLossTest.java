package io.kvasir.actors.session;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is lost with a node, and what ten thousand sessions cost. */
final class SessionLossTest {
  @Test
  void shouldAnswerNoneAtOnceAndKnowNewUsesAfterANodeLeft() throws Exception {
    SessionNode stays = new SessionNode();
    SessionNode leaves = new SessionNode();
    try {
      SessionNode.form(SessionNode.settings("number-of-shards = 8"), stays, leaves);
      for (int i = 0; i < 16; i++) {
        stays.sessions().record("acme", "s" + i, SessionNode.use(i));
        stays.await("acme", "s" + i, Optional::isPresent);
      }
      leaves.leave();
      for (int i = 0; i < 16; i++) {
        long startNs = System.nanoTime();
        stays.ask("acme", "s" + i, Duration.ofMillis(10));
        assertTrue(System.nanoTime() - startNs < 10_000_000_000L, "a request does not wait");
      }
      for (int i = 0; i < 16; i++) {
        String id = "s" + i;
        Optional<Sessions.Hint> known = Optional.empty();
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (known.isEmpty()) {
          assertTrue(System.nanoTime() - endNs < 0, "its ownership did not come back");
          stays.sessions().record("acme", id, SessionNode.use(i));
          known = stays.ask("acme", id, Duration.ofSeconds(1));
        }
      }
    } finally {
      leaves.close();
      stays.close();
    }
  }

  @Test
  @Tag("slow")
  void shouldKeepTenThousandIdleSessionsIn200Megabytes() throws Exception {
    SessionNode node = new SessionNode();
    try {
      SessionNode.form(SessionNode.settings(""), node);
      node.sessions().record("acme", "warm", SessionNode.use(1));
      node.await("acme", "warm", Optional::isPresent);
      long before = usedHeapBytes();
      for (int i = 0; i < 10_000; i++) {
        node.sessions().record("acme", "idle-" + i, SessionNode.use(i));
      }
      for (int i = 0; i < 10_000; i++) {
        node.await("acme", "idle-" + i, Optional::isPresent);
      }
      assertTrue(node.service().metrics().open() >= 10_000);
      long bytes = usedHeapBytes() - before;
      System.out.printf("10,000 idle sessions: %.1f MB%n", bytes / 1e6);
      assertTrue(bytes < 200_000_000L, bytes + " bytes");
    } finally {
      node.close();
    }
  }

  private static long usedHeapBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
