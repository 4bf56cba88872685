package io.kvasir.actors.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.settings.GpuSettings;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.FakeEngine;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.Done;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class GpuActorTest {
  private static ActorTestKit kit;
  private static GpuSettings settings;

  @BeforeAll
  static void start() {
    kit = ActorTestKit.create(ConfigFactory.load());
    settings = KvasirSettings.from(ConfigFactory.load()).gpu();
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  private static GenerationOrder order() {
    return new GenerationOrder(
        "default",
        new int[] {1, 2, 3},
        SamplingParameters.greedy(100_000, List.of()),
        Duration.ofSeconds(60));
  }

  private static ActorRef<GpuActor.Command> ready(GpuSettings own, FakeEngine engine) {
    ActorRef<GpuActor.Command> gpu = kit.spawn(GpuActor.create(own, () -> engine));
    TestProbe<GpuActor.Readiness> probe = kit.createTestProbe();
    gpu.tell(new GpuActor.AwaitReady(probe.getRef()));
    probe.expectMessageClass(GpuActor.Ready.class);
    return gpu;
  }

  private static GpuActor.GenerateReply generate(ActorRef<GpuActor.Command> gpu) {
    TestProbe<GpuActor.GenerateReply> probe = kit.createTestProbe();
    gpu.tell(new GpuActor.Generate(order(), probe.getRef()));
    return probe.receiveMessage();
  }

  @Test
  void shouldCarryEveryTokenInOrderWhileTheEngineRunsAhead() throws Exception {
    FakeEngine engine = new FakeEngine(200_000);
    ActorRef<GpuActor.Command> gpu = ready(settings, engine);
    Generation generation = assertInstanceOf(GpuActor.Accepted.class, generate(gpu)).generation();
    GenerationRequest request = engine.nextSubmitted();
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 0; i < 100_000; i++) {
                    engine.publish(request, i);
                  }
                  engine.finish(request, FinishReason.LENGTH, 1, null);
                });
    List<GenerationEvent> events =
        generation
            .events()
            .runWith(Sink.seq(), kit.system())
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
    writer.join();
    List<Integer> tokens = new ArrayList<>();
    for (GenerationEvent event : events.subList(0, events.size() - 1)) {
      for (int id : assertInstanceOf(GenerationEvent.Tokens.class, event).ids()) {
        tokens.add(id);
      }
    }
    int[] expected = new int[100_000];
    java.util.Arrays.setAll(expected, i -> i);
    assertArrayEquals(expected, tokens.stream().mapToInt(i -> i).toArray());
    GenerationEvent.Finished finished =
        assertInstanceOf(GenerationEvent.Finished.class, events.getLast());
    assertEquals(FinishReason.LENGTH, finished.reason());
    assertEquals(1, finished.usage().deviceHitTokens());
  }

  @Test
  void shouldGatherTokensButTellTheFirstAtOnceAndTheLastWithTheEnd() throws Exception {
    FakeEngine engine = new FakeEngine(200_000);
    ActorRef<GpuActor.Command> gpu = ready(settings, engine);
    for (int count : new int[] {1, 2, 7, 8, 9, 50_000}) {
      Generation generation = assertInstanceOf(GpuActor.Accepted.class, generate(gpu)).generation();
      GenerationRequest request = engine.nextSubmitted();
      BlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();
      generation.events(7).runWith(Sink.foreach(events::add), kit.system());
      engine.publish(request, 0);
      assertArrayEquals(
          new int[] {0},
          assertInstanceOf(GenerationEvent.Tokens.class, events.poll(20, TimeUnit.SECONDS)).ids());
      Thread writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 1; i < count; i++) {
                      engine.publish(request, i);
                    }
                    engine.finish(request, FinishReason.LENGTH, 1, null);
                  });
      int taken = 1;
      GenerationEvent event = events.poll(20, TimeUnit.SECONDS);
      while (event instanceof GenerationEvent.Tokens tokens) {
        assertEquals(taken, tokens.first());
        for (int id : tokens.ids()) {
          assertEquals(taken++, id);
        }
        assertTrue(tokens.ids().length >= 7 || taken == count, tokens::toString);
        event = events.poll(20, TimeUnit.SECONDS);
      }
      assertInstanceOf(GenerationEvent.Finished.class, event);
      assertEquals(count, taken);
      writer.join();
    }
  }

  /** A writer that stops short of the end leaves nothing unseen that makes an event. */
  @Test
  void shouldSeeEveryWholeIntervalOfAWriterThatPauses() throws Exception {
    FakeEngine engine = new FakeEngine(200_000);
    ActorRef<GpuActor.Command> gpu = ready(settings, engine);
    Generation generation = assertInstanceOf(GpuActor.Accepted.class, generate(gpu)).generation();
    GenerationRequest request = engine.nextSubmitted();
    BlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();
    generation.events(3).runWith(Sink.foreach(events::add), kit.system());
    int published = 0;
    int taken = 0;
    for (int round = 0; round < 20_000; round++) {
      // At most two are left untaken, so the third new one must come out.
      for (int i = 0; i < 3; i++) {
        engine.publish(request, published++);
      }
      while (published - taken >= 3) {
        GenerationEvent event = events.poll(20, TimeUnit.SECONDS);
        taken += assertInstanceOf(GenerationEvent.Tokens.class, event).ids().length;
      }
    }
    engine.finish(request, FinishReason.LENGTH, 1, null);
  }

  @Test
  void shouldCancelInTheEngineWhenTheStreamIsCancelled() throws Exception {
    FakeEngine engine = new FakeEngine(200_000);
    Generation generation =
        assertInstanceOf(GpuActor.Accepted.class, generate(ready(settings, engine))).generation();
    GenerationRequest request = engine.nextSubmitted();
    engine.publish(request, 5);
    generation
        .events()
        .runWith(Sink.head(), kit.system())
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
    assertEquals(request.id(), engine.nextCancelled());
  }

  @Test
  void shouldCancelWhatNobodyReads() throws Exception {
    FakeEngine engine = new FakeEngine(200_000);
    GpuSettings hasty = new GpuSettings(Duration.ofMillis(100), 0, settings.loaderDispatcher());
    generate(ready(hasty, engine));
    assertEquals(engine.nextSubmitted().id(), engine.nextCancelled());
  }

  @Test
  void shouldRefuseASecondReader() throws Exception {
    FakeEngine engine = new FakeEngine(200_000);
    Generation generation =
        assertInstanceOf(GpuActor.Accepted.class, generate(ready(settings, engine))).generation();
    engine.finish(engine.nextSubmitted(), FinishReason.LENGTH, 0, null);
    generation.events().runWith(Sink.seq(), kit.system()).toCompletableFuture().get();
    ExecutionException failure =
        assertThrows(
            ExecutionException.class,
            () ->
                generation
                    .events()
                    .runWith(Sink.seq(), kit.system())
                    .toCompletableFuture()
                    .get(20, TimeUnit.SECONDS));
    assertTrue(failure.getCause().getMessage().contains("run it once"), failure.toString());
  }

  @Test
  void shouldPassOnWhyTheEngineRefuses() {
    FakeEngine engine = new FakeEngine(200_000);
    ActorRef<GpuActor.Command> gpu = ready(settings, engine);
    Refusal full = new Refusal(Refusal.Code.QUEUE_FULL, "full", true);
    engine.refuseWith(full);
    assertEquals(new GpuActor.Refused(full), generate(gpu));
  }

  @Test
  void shouldSayLoadingThenReadyThenCloseTheEngine() {
    FakeEngine engine = new FakeEngine(10);
    CountDownLatch loaded = new CountDownLatch(1);
    ActorRef<GpuActor.Command> gpu =
        kit.spawn(
            GpuActor.create(
                settings,
                () -> {
                  loaded.await();
                  return engine;
                }));
    assertEquals(new GpuActor.Unavailable(new GpuActor.Loading()), generate(gpu));
    TestProbe<GpuActor.Stats> stats = kit.createTestProbe();
    gpu.tell(new GpuActor.GetStats(stats.getRef()));
    assertEquals(new GpuActor.Stats(new GpuActor.Loading(), null), stats.receiveMessage());
    TestProbe<GpuActor.Readiness> readiness = kit.createTestProbe();
    gpu.tell(new GpuActor.AwaitReady(readiness.getRef()));
    loaded.countDown();
    assertEquals(new GpuActor.Ready(engine, 10), readiness.receiveMessage());
    TestProbe<Done> done = kit.createTestProbe();
    gpu.tell(new GpuActor.Stop(done.getRef()));
    done.receiveMessage();
    assertTrue(engine.isClosed());
    done.expectTerminated(gpu);
  }
}
