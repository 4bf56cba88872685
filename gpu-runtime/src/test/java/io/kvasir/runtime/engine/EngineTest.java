package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.LoadOptions;
import io.kvasir.runtime.model.ModelLoader;
import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
