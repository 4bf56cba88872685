package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.LoadOptions;
import io.kvasir.runtime.model.ModelLoader;
import io.kvasir.runtime.model.SeamHarness;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The engine on its own thread. */
@Timeout(60)
final class EngineTest {
  private static final EngineOptions OPTIONS =
      EngineOptions.of(8 << 20).steps(64, Long.MAX_VALUE).queue(6, 20).seedBase(7);

  private static DecoderModel model() {
    ModelConfig config = SeamHarness.config();
    LoadOptions load = LoadOptions.defaults().slots(16);
    return ModelLoader.load(Devices.cpu(1), config, new DummyTensors(config, 42), load);
  }

  private static KvCache cache(DecoderModel model) {
    LoadOptions load = LoadOptions.defaults().slots(16);
    return LoadedModel.openCache(model, OPTIONS, load.pages(), load.slots());
  }

  private static Engine start(EngineOptions options) {
    DecoderModel model = model();
    return Engine.start(
        model, cache(model), options, new DeficitRoundRobin(64), prompt -> t -> "t" + t + " ");
  }

  /** Streams of one request; their wake-ups unpark the test's thread. */
  private record Answer(long id, List<TokenStream> streams) {
    static Answer of(long id, SamplingParameters s) {
      return of(id, s, choice -> {});
    }

    /** {@code woken} runs on the engine's thread, with the choice that has news. */
    static Answer of(long id, SamplingParameters s, IntConsumer woken) {
      Thread test = Thread.currentThread();
      List<TokenStream> streams = new ArrayList<>();
      for (int i = 0; i < s.bestOf(); i++) {
        int choice = i;
        Runnable wakeup =
            () -> {
              woken.accept(choice);
              LockSupport.unpark(test);
            };
        streams.add(TokenStream.of(s, i, 40, SeamHarness.VOCAB, wakeup));
      }
      return new Answer(id, streams);
    }

    void awaitEnd() {
      for (TokenStream s : streams) {
        while (s.finishReason() == null) {
          LockSupport.park(this);
        }
      }
    }
  }

  private static Refusal submit(Engine engine, SamplingParameters s, Answer to) {
    return engine.submit(
        new GenerationRequest(
            to.id, "a", SeamHarness.tokens(40, 1), s, 0, List.of(), List.of(), to.streams));
  }

  private static String refused(Engine engine, SamplingParameters s) {
    Refusal refusal = submit(engine, s, Answer.of(99, s));
    assertNotNull(refusal);
    assertEquals(Refusal.Code.INVALID, refusal.code());
    return refusal.message();
  }

  @Test
  void shouldAnswerAllChoicesOfARequestAndEndThoseThatAreCancelled() {
    SamplingParameters s = EngineHarness.seeded(30, 5).toBuilder().n(3).logprobs(2).build();
    int[] alone;
    try (EngineHarness h = EngineHarness.open(8 << 20, 64)) {
      alone = h.generate(SeamHarness.tokens(40, 1), EngineHarness.seeded(30, 5));
    }
    try (Engine engine = start(OPTIONS.warmUp(20_000_000))) {
      Answer whole = Answer.of(1, s);
      assertNull(submit(engine, s, whole));
      // Nobody consumes, so a stream wakes at its first token and at its end.
      AtomicInteger wakeups = new AtomicInteger();
      SamplingParameters endless = s.toBuilder().maxTokens(400).build();
      Answer other =
          Answer.of(
              2,
              endless,
              choice -> {
                if (choice == 1 && wakeups.incrementAndGet() == 1) {
                  engine.cancel(2, 1);
                } else if (choice == 1) {
                  engine.cancel(2);
                }
              });
      assertNull(submit(engine, endless, other));
      whole.awaitEnd();
      other.awaitEnd();
      assertArrayEquals(alone, whole.streams.getFirst().snapshot());
      assertEquals(2, whole.streams.get(2).logprobs().topCount());
      for (TokenStream stream : other.streams) {
        assertEquals(FinishReason.CANCELLED, stream.finishReason());
      }
      assertTrue(other.streams.get(1).published() < other.streams.get(0).published());
      assertEquals(0, engine.stats().running());
      assertEquals(0, engine.stats().leases());
    }
  }

  @Test
  void shouldRefuseWhatItCannotRunWithTheNumbers() {
    try (Engine engine = start(OPTIONS)) {
      SamplingParameters s = EngineHarness.greedy(4);
      assertTrue(
          refused(engine, s.toBuilder().n(7).build()).contains("best_of=7 choices exceed the 6"));
      assertTrue(
          refused(engine, s.toBuilder().logitBias(Map.of(97, 1f)).build())
              .contains("logit_bias token id=97 is outside the vocabulary of 97"));
      assertTrue(
          refused(engine, s.toBuilder().stopIds(List.of(-1)).build())
              .contains("stop token id=-1 is outside"));
    }
  }

  @Test
  void shouldCountEachChoiceInTheWaitingLine() {
    SamplingParameters s = EngineHarness.greedy(400).toBuilder().n(5).build();
    try (Engine engine = start(OPTIONS)) {
      List<Answer> accepted = new ArrayList<>();
      Refusal refusal = null;
      for (long id = 1; id < 8 && refusal == null; id++) {
        Answer answer = Answer.of(id, s);
        refusal = submit(engine, s, answer);
        if (refusal == null) {
          accepted.add(answer);
        }
      }
      // Room for 20 waiting choices, and one request of five may have been admitted meanwhile.
      assertNotNull(refusal);
      assertEquals(Refusal.Code.QUEUE_FULL, refusal.code());
      assertTrue(refusal.retryable());
      assertTrue(accepted.size() == 4 || accepted.size() == 5, "accepted " + accepted.size());
      for (Answer a : accepted) {
        engine.cancel(a.id);
      }
      for (Answer a : accepted) {
        a.awaitEnd();
      }
      assertEquals(0, engine.stats().waiting());
    }
  }

  @Test
  void shouldEndRequestsWithTheReasonWhenItsThreadDies() {
    DeficitRoundRobin sane = new DeficitRoundRobin(64);
    AtomicBoolean lost = new AtomicBoolean();
    SchedulingPolicy broken =
        (SchedulingPolicy)
            Proxy.newProxyInstance(
                SchedulingPolicy.class.getClassLoader(),
                new Class<?>[] {SchedulingPolicy.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("next") && lost.get()) {
                    throw new IllegalStateException("the policy lost its way");
                  }
                  return method.invoke(sane, args);
                });
    DecoderModel model = model();
    Engine engine =
        Engine.start(model, cache(model), OPTIONS.queue(2, 20), broken, prompt -> t -> "");
    DeviceBlocks blocks = engine.blocks();
    SamplingParameters s = EngineHarness.greedy(400);
    // Its first token wakes it, and the step after that asks the policy again.
    Answer answer = Answer.of(1, s, choice -> lost.set(true));
    assertNull(submit(engine, s, answer));
    answer.awaitEnd();
    TokenStream stream = answer.streams.getFirst();
    assertEquals(FinishReason.ERROR, stream.finishReason());
    assertTrue(stream.failure().contains("the policy lost its way"), stream.failure());
    assertTrue(stream.published() > 0);
    engine.close();
    CompletionException e =
        assertThrows(CompletionException.class, () -> blocks.find(List.of()).join());
    assertTrue(e.getCause() instanceof IllegalStateException, e.toString());
    assertEquals(Refusal.Code.CLOSED, submit(engine, s, Answer.of(9, s)).code());
  }

  @Test
  void shouldEndAPinOnTimeThoughNothingElseHappens() {
    try (Engine engine = start(OPTIONS)) {
      SamplingParameters s = EngineHarness.greedy(2);
      Answer answer = Answer.of(1, s);
      assertNull(submit(engine, s, answer));
      answer.awaitEnd();
      List<BlockId> ids =
          BlockMover.ids(engine.blocks().keyScheme().keys("a", SeamHarness.tokens(40, 1), 40), 2);
      BlockPin timed = engine.blocks().pin(ids, 1, Duration.ofMillis(400)).join();
      BlockPin closed = engine.blocks().pin(ids, 1, Duration.ofMinutes(1)).join();
      assertEquals(2, timed.pinned().cardinality());
      closed.close();
      while (engine.stats().leases() > 0) {
        LockSupport.parkNanos(1_000_000);
      }
      assertEquals(0, engine.stats().blocks().pins());
      assertEquals(2, engine.blocks().clear().join());
    }
  }

  @Test
  void shouldCloseThePinsOfARefusedRequestAndNameWhatAResumeLacks() {
    try (Engine engine = start(OPTIONS)) {
      AtomicInteger closings = new AtomicInteger();
      BlockPin pin =
          new BlockPin() {
            @Override
            public BitSet pinned() {
              return new BitSet();
            }

            @Override
            public void close() {
              closings.incrementAndGet();
            }
          };
      SamplingParameters s = SamplingParameters.builder().maxTokens(8).build();
      assertTrue(
          resumed(engine, s, new int[] {5, 6}, pin).contains("needs the seed that its tokens"));
      assertTrue(
          resumed(engine, EngineHarness.greedy(8), new int[] {97}, pin)
              .contains("resumed token id=97 is outside the vocabulary"));
      assertEquals(2, closings.get());
    }
  }

  private static String resumed(Engine engine, SamplingParameters s, int[] tokens, BlockPin pin) {
    TokenStream stream =
        TokenStream.of(s, 0, 40, SeamHarness.VOCAB, ResumedChoice.running(tokens, 0), () -> {});
    Refusal refusal =
        engine.submit(
            new GenerationRequest(1, "a", SeamHarness.tokens(40, 1), s, 0, List.of(), stream)
                .withBlocks(List.of(pin), List.of()));
    assertEquals(Refusal.Code.INVALID, refusal.code());
    return refusal.message();
  }

  @Test
  void shouldNotStartOnACacheThatCannotBeUsed() {
    DecoderModel model = model();
    KvCache cache = cache(model);
    cache.close();
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class,
            () ->
                Engine.start(
                    model,
                    cache,
                    OPTIONS.warmUp(1_000_000),
                    new DeficitRoundRobin(64),
                    prompt -> t -> ""));
    assertTrue(e.getMessage().contains("the KV cache is closed"), e.getMessage());
  }
}
