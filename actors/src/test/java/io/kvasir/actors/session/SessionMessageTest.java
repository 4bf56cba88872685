package io.kvasir.actors.session;

import io.kvasir.actors.cluster.CborGolden;
import io.kvasir.actors.session.SessionMessage.Ask;
import io.kvasir.actors.session.SessionMessage.Note;
import io.kvasir.actors.session.SessionMessage.PutAway;
import io.kvasir.actors.session.SessionMessage.Told;
import io.kvasir.actors.session.Sessions.Use;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class SessionMessageTest {
  private static final Use USE = new Use(1, -2, 3, -4, 5, 6, 7);
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
    golden.check("told-1", new Told("k", 2, USE, 3, 4));
    golden.check("note-1", new Note("k", "acme", USE));
    golden.check("put-away-1", new PutAway());
  }

  @Test
  void shouldReadMissingFieldsAsNone() {
    golden.readsWithout(
        new Told("k", 2, USE, 3, 4), new Told("k", 2, null, 0, 0), "last", "requests", "idleMs");
    golden.readsWithout(new Note("k", "acme", USE), new Note("k", "acme", null), "use");
  }
}
