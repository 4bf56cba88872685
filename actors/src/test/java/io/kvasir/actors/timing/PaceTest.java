package io.kvasir.actors.timing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.testkit.typed.Effect;
import org.apache.pekko.actor.testkit.typed.javadsl.BehaviorTestKit;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;

final class PaceTest {
  private static final Duration FAST = Duration.ofMillis(100);

  private final AtomicBoolean busy = new AtomicBoolean();
  private final AtomicInteger ticks = new AtomicInteger();

  private BehaviorTestKit<String> actor(Duration slow) {
    return BehaviorTestKit.create(
        Behaviors.withTimers(
            timers -> {
              Pace<String> pace = new Pace<>(timers, "tick", FAST, slow);
              return Behaviors.receiveMessage(
                  message -> {
                    if (message.equals("tick")) {
                      ticks.addAndGet(pace.ticks());
                      pace.ticked(busy.get());
                    } else {
                      pace.busy();
                    }
                    return Behaviors.same();
                  });
            }));
  }

  private static List<Duration> started(BehaviorTestKit<String> actor) {
    return actor.getAllEffects().stream()
        .filter(Effect.TimerScheduled.class::isInstance)
        .map(effect -> ((Effect.TimerScheduled<?>) effect).delay())
        .map(delay -> Duration.ofNanos(delay.toNanos()))
        .toList();
  }

  @Test
  void shouldTickSeldomWhileNothingIsUnderWayAndOftenAtOnceAgain() {
    BehaviorTestKit<String> actor = actor(Duration.ofSeconds(1));
    assertEquals(List.of(FAST), started(actor));
    busy.set(true);
    actor.run("tick");
    assertEquals(List.of(), started(actor));
    busy.set(false);
    actor.run("tick");
    assertEquals(List.of(Duration.ofSeconds(1)), started(actor));
    assertEquals(2, ticks.get());
    actor.run("tick");
    assertEquals(12, ticks.get());
    assertEquals(List.of(), started(actor));
    actor.run("work");
    actor.run("work");
    assertEquals(List.of(FAST), started(actor));
    actor.run("tick");
    assertEquals(13, ticks.get());
  }

  @Test
  void shouldStandForAllFastTicksWhereSlowOnesAreNoMultiple() {
    BehaviorTestKit<String> actor = actor(Duration.ofMillis(250));
    actor.run("tick");
    assertEquals(List.of(FAST, Duration.ofMillis(200)), started(actor));
    actor.run("tick");
    assertEquals(3, ticks.get());
  }

  @Test
  void shouldNotChangeWhereSlowIsNoLonger() {
    BehaviorTestKit<String> actor = actor(Duration.ofMillis(50));
    actor.run("tick");
    assertEquals(List.of(FAST), started(actor));
    actor.run("tick");
    assertEquals(2, ticks.get());
  }
}
