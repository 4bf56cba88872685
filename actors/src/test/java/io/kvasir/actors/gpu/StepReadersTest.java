package io.kvasir.actors.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class StepReadersTest {
  private final List<Runnable> tasks = new ArrayList<>();
  private final List<String> woken = new ArrayList<>();
  private final StepReaders readers = new StepReaders(tasks::add);

  private Runnable reader(String name) {
    return () -> woken.add(name);
  }

  @Test
  void shouldTellAllReadersOfAStepWithOneTask() {
    readers.begin();
    readers.wake(reader("a"));
    readers.wake(reader("b"));
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
    readers.wake(reader("a"));
    readers.end();
    readers.begin();
    readers.end();
    readers.begin();
    readers.wake(reader("b"));
    readers.end();
    tasks.forEach(Runnable::run);
    assertEquals(2, tasks.size(), "a step without news has no task");
    assertEquals(List.of("a", "b"), woken);
  }

  @Test
  void shouldRunAtOnceOutsideOfAStep() {
    readers.wake(reader("before"));
    readers.begin();
    readers.end();
    readers.wake(reader("after"));
    assertEquals(List.of("before", "after"), woken);
    assertTrue(tasks.isEmpty());
  }

  @Test
  void shouldNotHoldUpWhatOtherThreadsWrite() throws InterruptedException {
    readers.begin();
    Thread other = Thread.ofPlatform().start(() -> readers.wake(reader("other")));
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
            });
    late.begin();
    late.wake(reader("a"));
    late.end();
    late.begin();
    late.end();
    assertTrue(woken.isEmpty());
  }
}
