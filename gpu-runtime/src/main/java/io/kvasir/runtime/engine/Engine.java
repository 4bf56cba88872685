package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.model.DecoderModel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An engine on its own thread: requests come in through a bounded queue, tokens go out through each
 * request's {@link TokenStream}. Owns model device, cache and executor and closes them.
 */
public final class Engine implements GenerationEngine {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
  private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(100);

  private sealed interface Command {}

  private record Submit(GenerationRequest request, long submittedNs) implements Command {}

  private record Cancel(long requestId, int choice) implements Command {}

  private static final int ALL_CHOICES = -1;

  private final DecoderModel model;
  private final KvCache cache;
  private final EngineOptions options;
  private final EngineCounters counters = new EngineCounters();
  private final AtomicLong refused = new AtomicLong();

  /** Choices submitted and not yet admitted or ended; the core counts them down. */
  private final AtomicLong waitingRoom = new AtomicLong();

  private final ManyToOneConcurrentArrayQueue<Command> inbox;
  private final CountDownLatch warm = new CountDownLatch(1);
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final BlockDesk desk;
  private final Thread thread;
  private final int maxContextTokens;
  private final String fingerprint;
  private volatile boolean closing;
  private volatile StepWakeups wakeups = StepWakeups.NONE;
  private volatile Throwable startFailure;

  /** Why the loop ended on its own, as requests are told; null when it was closed. */
  private volatile String failure;

  private Engine(
      DecoderModel model,
      KvCache cache,
      EngineOptions options,
      SchedulingPolicy policy,
      Function<int[], IntFunction<String>> textDecoder) {
    this.model = model;
    this.cache = cache;
    this.options = options;
    this.maxContextTokens = (int) Math.min(model.maxContextTokens(), cache.capacityTokens());
    this.fingerprint = cache.domainDigest();
    // Cancels share the queue: twice the room, so that they pass when submissions no longer do.
    this.inbox =
        new ManyToOneConcurrentArrayQueue<>(2 * (options.maxWaiting() + options.maxRunning()));
    this.desk = new BlockDesk(cache, options, counters, this::wake);
    this.thread =
        new Thread(() -> run(policy, textDecoder), "kvasir-engine-" + model.device().name());
    this.thread.setDaemon(true);
  }

  /**
   * Starts an engine; returns when it is warm, {@link EngineOptions#warmUpNs} later at most but for
   * the step then in progress.
   *
   * @throws IllegalStateException when it could not begin; model and cache are closed then
   * @param cache opened for the model's layout on its device; its arena is bound to the model
   * @param textDecoder makes a fresh incremental decoder for a choice with stop strings, given the
   *     tokens that its text continues, if any
   */
  public static Engine start(
      DecoderModel model,
      KvCache cache,
      EngineOptions options,
      SchedulingPolicy policy,
      Function<int[], IntFunction<String>> textDecoder) {
    Engine engine = new Engine(model, cache, options, policy, textDecoder);
    engine.thread.start();
    awaitUninterruptibly(engine.warm);
    if (engine.startFailure != null) {
      awaitUninterruptibly(engine.stopped);
      throw new IllegalStateException(
          "the engine failed before its first request: " + engine.startFailure.getMessage(),
          engine.startFailure);
    }
    return engine;
  }

  @Override
  public Refusal submit(GenerationRequest request) {
    Refusal refusal = check(request);
    int choices = request.streams().size();
    if (refusal == null && waitingRoom.addAndGet(choices) > options.maxWaiting()) {
      waitingRoom.addAndGet(-choices);
      refusal =
          new Refusal(
              Refusal.Code.QUEUE_FULL,
              "waiting requests="
                  + options.maxWaiting()
                  + " (each choice counts) is the bound kvasir.runtime.engine.max-waiting, try"
                  + " again later",
              true);
    }
    if (refusal == null && !inbox.offer(new Submit(request, options.clockNs().getAsLong()))) {
      waitingRoom.addAndGet(-choices);
      refusal =
          new Refusal(Refusal.Code.QUEUE_FULL, "the engine's inbox is full, try again later", true);
    }
    if (refusal != null) {
      request.closePins();
      refused.incrementAndGet();
      return refusal;
    }
    wake();
    if (stopped.getCount() == 0) {
      // The loop ended between the check and the offer: nobody else would take it.
      endLeftovers();
    }
    return null;
  }

  private void wake() {
    LockSupport.unpark(thread);
  }

  private Refusal check(GenerationRequest request) {
    if (closing) {
      return new Refusal(Refusal.Code.CLOSED, "the engine is stopping, use another node", true);
    }
    int prompt = request.promptTokens().length;
    if (prompt == 0) {
      return invalid("prompt tokens=0, at least 1 is needed");
    }
    int max = request.maxTokens();
    if ((long) prompt + max > maxContextTokens) {
      return new Refusal(
          Refusal.Code.CONTEXT_OVERFLOW,
          "prompt tokens="
              + prompt
              + " plus max_tokens="
              + max
              + " exceed the context of "
              + maxContextTokens
              + " tokens, shorten the prompt or lower max_tokens",
          false);
    }
    SamplingParameters s = request.sampling();
    int places = Math.min(options.maxRunning(), options.maxWaiting());
    if (s.bestOf() > places) {
      return invalid(
          "best_of="
              + s.bestOf()
              + " choices exceed the "
              + places
              + " that kvasir.runtime.engine.max-running and max-waiting allow, ask for fewer");
    }
    for (int token : request.promptTokens()) {
      if (isUnknown(token)) {
        return unknownToken("prompt token", token);
      }
    }
    for (int stop : s.stopIds()) {
      if (isUnknown(stop)) {
        return unknownToken("stop token", stop);
      }
    }
    for (int biased : s.logitBias().keySet()) {
      if (isUnknown(biased)) {
        return unknownToken("logit_bias token", biased);
      }
    }
    Refusal resume = checkResumed(request);
    if (resume != null) {
      return resume;
    }
    int before = -1;
    for (int row : request.promptLogitRows()) {
      if (row <= before || row >= prompt) {
        return invalid(
            "prompt logit row=" + row + " must ascend and stay below prompt tokens=" + prompt);
      }
      before = row;
    }
    return null;
  }

  private Refusal checkResumed(GenerationRequest request) {
    SamplingParameters s = request.sampling();
    for (TokenStream stream : request.streams()) {
      ResumedChoice choice = stream.resumed();
      for (int token : choice.tokens()) {
        if (isUnknown(token)) {
          return unknownToken("resumed token", token);
        }
      }
      if (!choice.isFresh() && s.seed() == null && s.temperature() > 0) {
        return invalid(
            "a resumed answer at temperature="
                + s.temperature()
                + " needs the seed that its tokens were drawn with, give it");
      }
    }
    return null;
  }

  private boolean isUnknown(int token) {
    return token < 0 || token >= model.vocabSize();
  }

  private Refusal unknownToken(String what, int id) {
    return invalid(what + " id=" + id + " is outside the vocabulary of " + model.vocabSize());
  }

  private static Refusal invalid(String message) {
    return new Refusal(Refusal.Code.INVALID, message, false);
  }

  private synchronized void endLeftovers() {
    for (Command c = inbox.poll(); c != null; c = inbox.poll()) {
      if (c instanceof Submit s) {
        GenerationRequest request = s.request();
        request.closePins();
        FinishReason reason = failure == null ? FinishReason.CANCELLED : FinishReason.ERROR;
        for (int i = 0; i < request.streams().size(); i++) {
          request.streams().get(i).finish(reason, request.unserved(i), failure);
        }
      }
    }
  }

  @Override
  public void wakeTogether(StepWakeups told) {
    wakeups = told;
  }

  @Override
  public void cancel(long requestId) {
    cancel(requestId, ALL_CHOICES);
  }

  @Override
  public void cancel(long requestId, int choice) {
    while (!closing && !inbox.offer(new Cancel(requestId, choice))) {
      Thread.onSpinWait();
    }
    wake();
  }

  private void run(SchedulingPolicy policy, Function<int[], IntFunction<String>> textDecoder) {
    try (EngineCore core =
        new EngineCore(model, cache, options, policy, counters, waitingRoom, desk, textDecoder)) {
      try {
        core.warmUp();
        warm.countDown();
        loop(core);
      } catch (Throwable t) {
        startFailure = warm.getCount() > 0 ? t : null;
        failure = "the engine stopped on an error, use another node: " + t;
        LOG.error("the engine stopped on an error; its requests end with it", t);
        closing = true;
        core.failAll(failure);
      }
    } catch (Throwable t) {
      LOG.error("the engine could not be taken down in order", t);
    } finally {
      closing = true;
      warm.countDown();
      desk.close("the engine is closed, its blocks are gone");
      model.device().close();
      stopped.countDown();
      endLeftovers();
    }
  }

  private void loop(EngineCore core) {
    while (!closing) {
      drain(core);
      boolean moved = core.moveBlocks();
      if (core.step(wakeups) == 0 && !moved && inbox.isEmpty() && !closing) {
        long restNs = core.idle() ? core.warmUpWhileIdle() : 0;
        long longestNs = restNs > 0 ? restNs : core.idle() ? 10 * IDLE_NS : IDLE_NS / 100;
        LockSupport.parkNanos(core.quietNs(longestNs));
      }
    }
    drain(core);
    core.cancelAll();
  }

  private void drain(EngineCore core) {
    for (Command c = inbox.poll(); c != null; c = inbox.poll()) {
      switch (c) {
        case Submit s -> core.accept(s.request(), s.submittedNs());
        case Cancel x when x.choice() == ALL_CHOICES -> core.cancel(x.requestId());
        case Cancel x -> core.cancel(x.requestId(), x.choice());
      }
    }
  }

  @Override
  public DeviceBlocks blocks() {
    return cache.layout().states().isEmpty() ? desk : null;
  }

  @Override
  public EngineStats stats() {
    return counters.snapshot(refused.get());
  }

  @Override
  public int maxContextTokens() {
    return maxContextTokens;
  }

  @Override
  public int hiddenSize() {
    return model.hiddenSize();
  }

  @Override
  public int vocabSize() {
    return model.vocabSize();
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(thread);
    awaitUninterruptibly(stopped);
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    while (latch.getCount() > 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
