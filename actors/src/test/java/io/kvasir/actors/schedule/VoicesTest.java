package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class VoicesTest {
  private static final int RENEW = 3;
  private static final int LEAST = 8;
  private static final int FORGET = 100;

  private final Voices voices = new Voices(RENEW, FORGET);

  /** Ticks until node 1 is suspected. */
  private int silence() {
    for (int tick = 1; tick < 1000; tick++) {
      if (!voices.tick(Set.of(1L, 2L)).isEmpty()) {
        return tick;
      }
      voices.heard(2);
    }
    throw new AssertionError("never suspected");
  }

  @Test
  void shouldNameWhoseWordIsOverdueAndBelieveThatItHasEnded() {
    for (int tick = 0; tick < RENEW; tick++) {
      voices.tick(Set.of(1L, 2L));
    }
    assertEquals(List.of(), voices.overdue());
    assertFalse(voices.ended(1));
    voices.heard(2);
    voices.tick(Set.of(1L, 2L));
    assertEquals(List.of(1L), voices.overdue());
    assertTrue(voices.ended(1));
    assertTrue(voices.suspects(1));
    assertEquals(List.of(), voices.overdue());
    // An answer that comes after a word is about a former life or an error.
    voices.heard(1);
    assertFalse(voices.ended(1));
    assertFalse(voices.suspects(1));
  }

  private void hear(int times, int everyTicks) {
    for (int i = 0; i < times * everyTicks; i++) {
      assertEquals(List.of(), voices.tick(Set.of(1L)));
      if ((i + 1) % everyTicks == 0) {
        voices.heard(1);
      }
    }
  }

  @Test
  void shouldSuspectANodeThatOwesTwoWords() {
    assertEquals(LEAST, silence());
    assertTrue(voices.suspects(1));
    assertFalse(voices.suspects(2));
    // Once: it is told when it begins.
    assertEquals(List.of(), voices.tick(Set.of(1L)));
    voices.heard(1);
    assertFalse(voices.suspects(1));
  }

  @Test
  void shouldLearnHowLongANodeIsSilentAndForgetIt() {
    hear(5, 5);
    assertEquals(15, silence());
    // It lived: it is given three times as long from now on.
    voices.heard(1);
    assertEquals(45, silence());
    voices.heard(1);
    hear(4 * FORGET, 1);
    assertTrue(silence() < 30, "still patient after " + 4 * FORGET + " ticks");
  }

  @Test
  void shouldNotBlameANodeThatOwesNothing() {
    voices.tick(Set.of(1L));
    for (int tick = 0; tick < 100; tick++) {
      assertEquals(List.of(), voices.tick(Set.of()));
    }
    assertEquals(LEAST, silence());
    // It stays suspected while nobody asks it.
    for (int tick = 0; tick < 100; tick++) {
      voices.tick(Set.of());
    }
    assertTrue(voices.suspects(1));
    voices.forget(1);
    assertFalse(voices.suspects(1));
  }

  @Test
  void shouldSeldomBeWrongWhereEveryNodeIsLate() {
    // Words come 1 to 20 ticks apart, for ten minutes of ten ticks a second.
    Random random = new Random(5);
    int wrong = 0;
    int next = 1;
    for (int tick = 0; tick < 6000; tick++) {
      wrong += voices.tick(Set.of(1L)).size();
      if (--next == 0) {
        voices.heard(1);
        next = 1 + random.nextInt(20);
      }
    }
    assertTrue(wrong <= 3, "wrong suspicions: " + wrong);
  }
}
