package io.kvasir.actors.observe;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;

/** The clock of one request. Used by one stream at a time. */
public final class RequestTimer {
  private final NodeMetrics metrics;
  private final long startNs;
  private long lastNs;

  RequestTimer(NodeMetrics metrics, long startNs) {
    this.metrics = metrics;
    this.startNs = startNs;
  }

  /** {@code count} tokens arrived together. */
  public void tokens(int count) {
    long nowNs = System.nanoTime();
    if (lastNs == 0) {
      metrics.firstToken(nowNs - startNs);
    } else {
      metrics.nextTokens(nowNs - lastNs, count);
    }
    lastNs = nowNs;
  }

  /** The answer ended. */
  public void finished(FinishReason reason, Usage usage) {
    metrics.finished(System.nanoTime() - startNs, reason, usage);
  }
}
