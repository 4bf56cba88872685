package io.kvasir.actors.observe;

import io.kvasir.actors.gpu.Serving;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;

/**
 * What became of one request: clock, tokens, end. Written by one stream at a time, read by whoever
 * ends the request.
 */
public final class RequestTimer {
  private final long startNs;
  private long lastNs;
  private volatile VllmMetrics metrics;
  private volatile String model;
  private volatile boolean accepted;
  private volatile int promptTokens;
  private volatile int maxTokens;
  private volatile int seenTokens;
  private volatile long firstTokenNs = -1;
  private volatile FinishReason reason;
  private volatile Usage usage;
  private volatile Serving serving = Serving.HERE;

  RequestTimer(long startNs) {
    this.startNs = startNs;
  }

  /** Before the engine takes the request. */
  void countIn(VllmMetrics modelMetrics, String modelId) {
    metrics = modelMetrics;
    model = modelId;
  }

  /** The model that it asks for; null until that is known. */
  String model() {
    return model;
  }

  /** The engine has taken the request. */
  public void accepted(int promptTokenCount, int maxTokenCount) {
    promptTokens = promptTokenCount;
    maxTokens = maxTokenCount;
    accepted = true;
  }

  /** {@code count} tokens arrived together. */
  public void tokens(int count) {
    long nowNs = System.nanoTime();
    if (firstTokenNs < 0) {
      firstTokenNs = nowNs - startNs;
      metrics.firstToken(firstTokenNs);
    } else {
      metrics.nextTokens(nowNs - lastNs, count);
    }
    lastNs = nowNs;
    seenTokens += count;
  }

  /** The engine has ended the request. */
  public void finished(FinishReason finishReason, Usage finalUsage, Serving how) {
    usage = finalUsage;
    serving = how;
    reason = finishReason;
    metrics.finished(this);
  }

  /** Prompt and generated tokens that the engine worked for; 0 when it never took the request. */
  public long usedTokens() {
    return accepted ? (long) promptTokens + generatedTokens() : 0;
  }

  /** Tokens of the prompt; 0 until it is known. */
  public int promptTokens() {
    return promptTokens;
  }

  /** The longest answer asked for. */
  public int maxTokens() {
    return maxTokens;
  }

  /** By the engine's count, or as many as were seen. */
  public int generatedTokens() {
    Usage end = usage;
    return end == null ? seenTokens : end.generatedTokens();
  }

  /** Prompt tokens whose KV was there already. */
  public int cachedTokens() {
    Usage end = usage;
    return end == null ? 0 : end.promptTokens() - end.recomputedTokens();
  }

  /** Since the request arrived. */
  public long elapsedNs() {
    return System.nanoTime() - startNs;
  }

  /** From arrival to the first token; -1 = there was none. */
  public long firstTokenNs() {
    return firstTokenNs;
  }

  /** Why the engine ended it; null while it has not. */
  public FinishReason reason() {
    return reason;
  }

  /** Who answered and how. */
  public Serving serving() {
    return serving;
  }

  /** The engine's accounting; null before the end. */
  public Usage usage() {
    return usage;
  }
}
