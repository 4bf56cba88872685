package io.kvasir.actors.link;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.link.LinkMessage.Lives;
import io.kvasir.actors.link.LinkMessage.Propose;
import io.kvasir.transport.LinkKeys;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Two tables on one clock and a network that loses, repeats and delays. */
final class LinkTableTest {
  private static final long MS = 1_000_000;
  private static final Duration ATTEMPT = Duration.ofMillis(100);

  private final Random random = new Random(Long.getLong("kvasir.seed", 11));
  private final List<Event> events = new ArrayList<>();
  private final Map<Long, Side> sides = new HashMap<>();
  private long nowNs = 1;
  private double loss;
  private double repeats;
  private long delayMs = 5;

  private record Event(long dueNs, Runnable run) {}

  private final class Side implements LinkTable.Effects {
    final long id;
    final long life;
    final LinkTable table;
    LinkKeys keys;
    LinkKeys sending;
    LinkKeys receiving;
    String connectedTo;
    int connects;
    boolean refuses;
    private long invitations;

    Side(long id, long life, Duration rotation) {
      this.id = id;
      this.life = life;
      this.table = new LinkTable(id, life, ATTEMPT, Duration.ofSeconds(2), rotation, 8, this);
      sides.put(id, this);
    }

    private void later(Runnable run) {
      events.add(new Event(nowNs + (1 + random.nextInt((int) delayMs)) * MS, run));
    }

    @Override
    public void send(long nodeId, LinkMessage.Wire message) {
      for (int copy = random.nextDouble() < repeats ? 2 : 1; copy > 0; copy--) {
        if (random.nextDouble() >= loss) {
          later(
              () -> {
                Side to = sides.get(nodeId);
                if (to != null) {
                  to.table.onMessage(message, nowNs);
                }
              });
        }
      }
    }

    @Override
    public String invite(long nodeId) {
      return id + "/" + life + "/" + ++invitations;
    }

    @Override
    public void connect(long nodeId, long link, String invitation, LinkKeys given) {
      connects++;
      later(
          () -> {
            if (!refuses) {
              keys = given;
              sending = given;
              receiving = given;
              connectedTo = invitation;
            }
            table.onConnected(nodeId, link, refuses ? "no" : null, nowNs);
          });
    }

    @Override
    public void disconnect(long nodeId) {
      connectedTo = null;
    }

    @Override
    public void install(long nodeId, long link, LinkKeys given) {
      later(
          () -> {
            receiving = given;
            table.onRekeyed(nodeId, link, given.keyId(), false, nowNs);
          });
    }

    @Override
    public void activate(long nodeId, long link, LinkKeys given) {
      later(
          () -> {
            sending = given;
            table.onRekeyed(nodeId, link, given.keyId(), true, nowNs);
          });
    }

    @Override
    public byte[] secret() {
      byte[] secret = new byte[32];
      random.nextBytes(secret);
      return secret;
    }

    @Override
    public long number() {
      return random.nextLong() | 1;
    }

    @Override
    public void down(long nodeId, String reason) {}

    boolean up(long nodeId) {
      return table.state(nodeId) == LinkTable.State.UP;
    }
  }

  private void runFor(long ms) {
    long endNs = nowNs + ms * MS;
    while (nowNs < endNs) {
      nowNs += MS;
      List<Event> due = events.stream().filter(event -> event.dueNs() <= nowNs).toList();
      events.removeAll(due);
      due.forEach(event -> event.run().run());
      if (nowNs / MS % 50 == 0) {
        sides.values().forEach(side -> side.table.onTick(nowNs));
      }
    }
  }

  private Side side(long id) {
    return new Side(id, random.nextLong() | 1, Duration.ofHours(1));
  }

  private void view() {
    Map<Long, Long> lives = new HashMap<>();
    sides.values().forEach(side -> lives.put(side.id, side.life));
    sides.values().forEach(side -> side.table.onView(lives, nowNs));
  }

  private void assertLinked(Side one, Side two) {
    assertTrue(one.up(two.id) && two.up(one.id), one.table.state(2) + " " + two.table.state(1));
    assertEquals(one.table.link(two.id), two.table.link(one.id));
    assertArrayEquals(one.sending.sendSecret(), two.receiving.receiveSecret());
    assertArrayEquals(two.sending.sendSecret(), one.receiving.receiveSecret());
    assertNotEquals(one.connectedTo, two.connectedTo);
  }

  @Test
  void shouldLinkWhoeverAsksFirst() {
    for (int first = 1; first <= 2; first++) {
      sides.clear();
      Side one = side(1);
      Side two = side(2);
      view();
      sides.get((long) first).table.want(3 - first, nowNs);
      runFor(500);
      assertLinked(one, two);
      assertEquals(1, one.connects);
    }
  }

  @Test
  void shouldLinkOnceWhenBothAskAtOnce() {
    Side one = side(1);
    Side two = side(2);
    view();
    one.table.want(2, nowNs);
    two.table.want(1, nowNs);
    runFor(3000);
    assertLinked(one, two);
    assertEquals(1, one.connects);
    assertEquals(1, two.connects);
  }

  @Test
  void shouldLinkThroughLossRepetitionAndDelay() {
    for (int round = 0; round < 12; round++) {
      sides.clear();
      events.clear();
      loss = 0.4;
      repeats = 0.3;
      delayMs = 300;
      Side one = side(1);
      Side two = side(2);
      view();
      one.table.want(2, nowNs);
      two.table.want(1, nowNs);
      runFor(10_000);
      loss = 0;
      repeats = 0;
      delayMs = 5;
      runFor(10_000);
      assertLinked(one, two);
    }
  }

  /** A5: what names the former life of a node is refused, and its link ends. */
  @Test
  void shouldReplaceTheLinkWhenThePeerStartsAnew() {
    Side one = side(1);
    Side two = side(2);
    view();
    one.table.want(2, nowNs);
    runFor(500);
    long formerLink = one.table.link(2);
    Side again = side(2);
    view();
    assertFalse(one.up(2));
    assertEquals(null, one.connectedTo);
    one.table.onMessage(
        new Propose(new Lives(2, two.life, one.life), 5, "old", new byte[32], new byte[32]), nowNs);
    again.table.want(1, nowNs);
    runFor(500);
    assertLinked(one, again);
    assertNotEquals(formerLink, one.table.link(2));
  }

  @Test
  void shouldTryAgainEverLessOftenWhileThePeerRefuses() {
    Side one = side(1);
    Side two = side(2);
    two.refuses = true;
    loss = 0.3;
    view();
    one.table.want(2, nowNs);
    runFor(20_000);
    assertTrue(two.connects >= 4 && two.connects <= 40, "attempts=" + two.connects);
    two.refuses = false;
    loss = 0;
    runFor(10_000);
    assertLinked(one, two);
  }

  @Test
  void shouldMakeABrokenLinkAnewFromEitherSide() {
    Side one = side(1);
    Side two = side(2);
    view();
    one.table.want(2, nowNs);
    runFor(500);
    long first = one.table.link(2);
    two.table.onBroken(1, "lost", nowNs);
    runFor(5000);
    assertLinked(one, two);
    long second = one.table.link(2);
    assertNotEquals(first, second);
    one.table.onBroken(2, "lost", nowNs);
    runFor(5000);
    assertLinked(one, two);
    assertNotEquals(second, one.table.link(2));
  }

  @Test
  void shouldRotateKeysThroughLossSoThatBothEndsAgree() {
    Side one = new Side(1, 11, Duration.ofSeconds(2));
    Side two = new Side(2, 22, Duration.ofSeconds(2));
    view();
    one.table.want(2, nowNs);
    runFor(500);
    byte[] before = one.sending.sendSecret();
    loss = 0.3;
    repeats = 0.3;
    delayMs = 200;
    runFor(30_000);
    loss = 0;
    repeats = 0;
    delayMs = 5;
    runFor(1500);
    assertTrue(one.table.keyId(2) > 3, "keyId=" + one.table.keyId(2));
    assertFalse(Arrays.equals(before, one.sending.sendSecret()));
    assertArrayEquals(two.sending.sendSecret(), one.receiving.receiveSecret());
    assertArrayEquals(one.sending.sendSecret(), two.receiving.receiveSecret());
  }

  @Test
  void shouldPrintNoSecrets() {
    Propose propose =
        new Propose(new Lives(1, 2, 3), 4, "invitation", new byte[] {77}, new byte[] {88});
    assertFalse(propose.toString().contains("77") || propose.toString().contains("[" + "B"));
  }
}
