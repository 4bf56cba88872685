package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.DeviceBlocks;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A test double in the engine's package (only there may a stream be written). A test sees every
 * request and decides what happens to it, or installs an answer that runs at submission.
 */
public final class FakeEngine implements GenerationEngine {
  private final int maxContextTokens;
  private final BlockingQueue<GenerationRequest> submitted = new LinkedBlockingQueue<>();
  private final BlockingQueue<Long> cancelled = new LinkedBlockingQueue<>();
  private final Map<Long, GenerationRequest> running = new ConcurrentHashMap<>();
  private volatile Refusal refusal;
  private volatile Consumer<GenerationRequest> answer = request -> {};
  private volatile boolean closed;

  public FakeEngine(int maxContextTokens) {
    this.maxContextTokens = maxContextTokens;
  }

  /** What to answer to every submission from now on; null = take it. */
  public void refuseWith(Refusal next) {
    refusal = next;
  }

  /** What to do with every accepted request from now on, on the submitting thread. */
  public void answerWith(Consumer<GenerationRequest> next) {
    answer = next;
  }

  public GenerationRequest nextSubmitted() throws InterruptedException {
    return require(submitted.poll(20, TimeUnit.SECONDS), "no request was submitted within 20 s");
  }

  public long nextCancelled() throws InterruptedException {
    return require(cancelled.poll(20, TimeUnit.SECONDS), "no request was cancelled within 20 s");
  }

  /** The next cancelled request, or null if there is none within the time. */
  public Long nextCancelled(long time, TimeUnit unit) throws InterruptedException {
    return cancelled.poll(time, unit);
  }

  private static <T> T require(T value, String message) {
    if (value == null) {
      throw new AssertionError(message);
    }
    return value;
  }

  public void forgetSubmitted() {
    submitted.clear();
  }

  public void forgetCancelled() {
    cancelled.clear();
  }

  public boolean isClosed() {
    return closed;
  }

  public int runningCount() {
    return running.size();
  }

  /** Publishes as the engine's thread would. */
  public void publish(GenerationRequest request, int... tokens) {
    for (int token : tokens) {
      request.stream().publish(token);
    }
  }

  /** Gives an input to be embedded its one hidden state. */
  public void pool(GenerationRequest request, float... state) {
    request.stream().pooled().add(0, state, 0, state.length);
  }

  /** The same to one of several choices. */
  public void publishTo(GenerationRequest request, int choice, int... tokens) {
    for (int token : tokens) {
      request.streams().get(choice).publish(token);
    }
  }

  /** Ends all choices of a request; prompt tokens beyond {@code hits} count as recomputed. */
  public void finish(GenerationRequest request, FinishReason reason, int hits, String failure) {
    if (running.remove(request.id()) == null) {
      return;
    }
    int prompt = request.promptTokens().length;
    for (TokenStream stream : request.streams()) {
      if (stream.finishReason() == null) {
        // Choices after the first share the prompt's pages.
        int found = stream == request.stream() ? Math.min(hits, prompt) : prompt;
        stream.finish(
            reason,
            new Usage(
                prompt,
                PromptSources.cached(prompt, found),
                stream.published(),
                stream.resumedTokens(),
                4L * prompt,
                0,
                1_000_000,
                2_000_000,
                3_000_000),
            failure);
      }
    }
  }

  @Override
  public Refusal submit(GenerationRequest request) {
    Refusal current = refusal;
    if (current != null) {
      return current;
    }
    running.put(request.id(), request);
    submitted.add(request);
    answer.accept(request);
    return null;
  }

  @Override
  public void cancel(long requestId) {
    GenerationRequest request = running.get(requestId);
    if (request != null) {
      finish(request, FinishReason.CANCELLED, 0, null);
      // Last: whoever hears of it may count what still runs.
      cancelled.add(requestId);
    }
  }

  /** Ends the whole request: this engine publishes to choice 0 alone. */
  @Override
  public void cancel(long requestId, int choice) {
    cancel(requestId);
  }

  @Override
  public EngineStats stats() {
    return new EngineStats(
        0,
        running.size(),
        7,
        9_000_000,
        100,
        40,
        50,
        5,
        1,
        0,
        0,
        1 << 20,
        1 << 10,
        0,
        0,
        EngineStats.Blocks.NONE);
  }

  @Override
  public DeviceBlocks blocks() {
    return null;
  }

  @Override
  public int vocabSize() {
    return 300;
  }

  @Override
  public String fingerprint() {
    return "fake";
  }

  @Override
  public int maxContextTokens() {
    return maxContextTokens;
  }

  @Override
  public int hiddenSize() {
    return 4;
  }

  @Override
  public void close() {
    closed = true;
    running.values().forEach(request -> finish(request, FinishReason.CANCELLED, 0, null));
  }
}
