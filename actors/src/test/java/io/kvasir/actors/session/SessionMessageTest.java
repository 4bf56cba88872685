package io.kvasir.actors.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvasir.actors.cluster.CborGolden;
import io.kvasir.actors.session.SessionMessage.Ask;
import io.kvasir.actors.session.SessionMessage.Note;
import io.kvasir.actors.session.SessionMessage.PutAway;
import io.kvasir.actors.session.SessionMessage.Told;
import io.kvasir.actors.session.Sessions.Tail;
import io.kvasir.actors.session.Sessions.Use;
import io.kvasir.actors.tier.TierMessage;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.KeyScheme;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class SessionMessageTest {
  private static final Use USE =
      new Use(1, -2, 3, -4, 5, 6, 7, new Tail("d0", 2, 4, new long[] {8, -9, 10, 11}));
  private static final Use BEFORE = new Use(1, -2, 3, -4, 5, 6, 7, null);
  private static CborGolden golden;

  @BeforeAll
  static void start() {
    golden = new CborGolden(SessionMessageTest.class);
  }

  @AfterAll
  static void stop() {
    golden.close();
  }

  @Test
  void shouldTravelAsTheseBytes() {
    golden.check("ask-1", new Ask("k", "acme", 2, golden.ref()));
    golden.check("told-2", new Told("k", 2, USE.place(), 3, 4));
    golden.check("note-2", new Note("k", "acme", USE));
    golden.check("put-away-1", new PutAway());
  }

  @Test
  void shouldReadAUseOfTheVersionBefore() {
    golden.reads("told-1", new Told("k", 2, BEFORE, 3, 4));
    golden.reads("note-1", new Note("k", "acme", BEFORE));
  }

  @Test
  void shouldNameTheLastBlocksOfAChainWithinABound() {
    int[] tokens = IntStream.range(0, 2000).toArray();
    BlockKeys keys = new KeyScheme(8, List.of(new byte[16], new byte[16])).keys("a", tokens, 2000);
    Tail tail = Tail.of("d", keys);
    assertEquals(2 * Tail.MAX_BLOCKS, tail.keys().length);
    assertEquals(250 - Tail.MAX_BLOCKS / 2, tail.first());
    TierMessage.Chain chain = tail.chain(keys.root().high(), keys.root().low());
    assertEquals(Tail.MAX_BLOCKS, chain.indexes().length);
    for (int i = 0; i < Tail.MAX_BLOCKS; i++) {
      assertEquals(tail.first() + i / 2, chain.indexes()[i]);
      assertEquals(i % 2, chain.groups()[i]);
      assertEquals(keys.high(i % 2, chain.indexes()[i]), chain.keys()[2 * i]);
      assertEquals(keys.low(i % 2, chain.indexes()[i]), chain.keys()[2 * i + 1]);
    }
  }

  @Test
  void shouldReadMissingFieldsAsNone() {
    golden.readsWithout(
        new Told("k", 2, USE, 3, 4), new Told("k", 2, null, 0, 0), "last", "requests", "idleMs");
    golden.readsWithout(new Note("k", "acme", USE), new Note("k", "acme", null), "use");
  }
}
