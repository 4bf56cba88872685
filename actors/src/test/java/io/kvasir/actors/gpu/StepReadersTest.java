package io.kvasir.actors.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class StepReadersTest {
  private final List<Runnable> tasks = new ArrayList<>();
  private final List<String> woken = new ArrayList<>();
  private long nowNs;
  private final StepReaders readers = new StepReaders(tasks::add, 0, () -> nowNs);

  private Runnable reader(String name) {
    return () -> woken.add(name);
  }

  @Test
  void shouldTellAllReadersOfAStepWithOneTask() {
    readers.begin();
    readers.wake(reader("a"), false);
    readers.wake(reader("b"), false);
    assertTrue(tasks.isEmpty() && woken.isEmpty(), "nothing before the last token");
    readers.end();
    assertEquals(1, tasks.size());
    assertTrue(woken.isEmpty(), "the engine's thread runs no reader");
    tasks.getFirst().run();
    assertEquals(List.of("a", "b"), woken);
  }

  @Test
  void shouldTellNobodyTwice() {
    readers.begin();
    readers.wake(reader("a"), false);
    readers.end();
    readers.begin();
    readers.end();
    readers.begin();
    readers.wake(reader("b"), false);
    readers.end();
    tasks.forEach(Runnable::run);
    assertEquals(2, tasks.size(), "a step without news has no task");
    assertEquals(List.of("a", "b"), woken);
  }

  @Test
  void shouldRunAtOnceOutsideOfAStep() {
    readers.wake(reader("before"), false);
    readers.begin();
    readers.end();
    readers.wake(reader("after"), false);
    assertEquals(List.of("before", "after"), woken);
    assertTrue(tasks.isEmpty());
  }

  @Test
  void shouldNotHoldUpWhatOtherThreadsWrite() throws InterruptedException {
    readers.begin();
    Thread other = Thread.ofPlatform().start(() -> readers.wake(reader("other"), false));
    other.join();
    assertEquals(List.of("other"), woken);
    readers.end();
    assertTrue(tasks.isEmpty());
  }

  @Test
  void shouldOutliveADispatcherThatHasEnded() {
    StepReaders late =
        new StepReaders(
            task -> {
              throw new RejectedExecutionException("ended");
            },
            0,
            () -> nowNs);
    late.begin();
    late.wake(reader("a"), false);
    late.end();
    late.begin();
    late.end();
    assertTrue(woken.isEmpty());
  }

  /** A step of {@code ms} whose tokens wake so many readers. */
  private void step(StepReaders told, long ms, int count, boolean urgent) {
    nowNs += TimeUnit.MILLISECONDS.toNanos(ms);
    told.begin();
    for (int i = 0; i < count; i++) {
      told.wake(reader("r" + i), urgent);
    }
    told.end();
  }

  @Test
  void shouldGatherStepsWhereManyRead() {
    StepReaders many = new StepReaders(tasks::add, StepReaders.gapNs(100, 2), () -> nowNs);
    step(many, 20, 2, false);
    step(many, 20, 2, false);
    assertEquals(2, tasks.size(), "two readers are told 100 times a second of 200");
    step(many, 20, 8, false);
    step(many, 20, 0, false);
    assertEquals(
        3, tasks.size(), "eight are told after 40 ms, if by a step without news of its own");
  }

  @Test
  void shouldTellAllWithAFirstTokenOrAnEnd() {
    StepReaders many = new StepReaders(tasks::add, StepReaders.gapNs(1, 1), () -> nowNs);
    step(many, 1000, 3, false);
    step(many, 20, 3, false);
    assertEquals(1, tasks.size(), "three times a second would be too often");
    step(many, 20, 1, true);
    assertEquals(2, tasks.size());
    tasks.get(1).run();
    assertEquals(List.of("r0", "r1", "r2", "r0"), woken, "who waits goes with the urgent one");
    step(many, 20, 1, false);
    assertEquals(2, tasks.size(), "what was urgent is over");
  }

  @Test
  void shouldHoldNobodyForLongerThanItsBound() {
    StepReaders many = new StepReaders(tasks::add, StepReaders.gapNs(1, 1), () -> nowNs);
    step(many, 1000, 5, false);
    step(many, 99, 5, false);
    assertEquals(1, tasks.size());
    step(many, 1, 5, false);
    assertEquals(2, tasks.size(), "after 100 ms, whatever is said of events");
  }

  @Test
  void shouldHoldNobodyWhenTheEngineRests() {
    StepReaders many = new StepReaders(tasks::add, StepReaders.gapNs(1, 1), () -> nowNs);
    step(many, 1000, 1, false);
    step(many, 20, 1, false);
    assertEquals(1, tasks.size());
    many.rest();
    assertEquals(2, tasks.size());
    many.rest();
    assertEquals(2, tasks.size(), "nobody is left");
  }
}
