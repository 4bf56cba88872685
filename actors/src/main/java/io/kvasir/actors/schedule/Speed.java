package io.kvasir.actors.schedule;

import io.kvasir.runtime.engine.Usage;

/** What a node has learned of its own speed with one model: moving averages. One thread. */
final class Speed {
  private static final double WEIGHT = 0.2;

  /** Prompts below this say more about fixed costs than about the rate. */
  private static final int MIN_TOKENS = 32;

  private double prefillTokensPerSecond;
  private double decodeStepMicros;
  private double requestMillis;

  /** A request has ended well. */
  void learn(Usage usage) {
    long prefillNs = usage.firstTokenNs() - usage.queuedNs();
    if (usage.recomputedTokens() >= MIN_TOKENS && usage.firstTokenNs() > 0 && prefillNs > 0) {
      prefillTokensPerSecond =
          mean(prefillTokensPerSecond, usage.recomputedTokens() * 1e9 / prefillNs);
    }
    if (usage.generatedTokens() > 1 && usage.firstTokenNs() > 0) {
      double ns = usage.totalNs() - usage.firstTokenNs();
      decodeStepMicros = mean(decodeStepMicros, ns / 1e3 / (usage.generatedTokens() - 1));
    }
    requestMillis = mean(requestMillis, (usage.totalNs() - usage.queuedNs()) / 1e6);
  }

  private static double mean(double before, double now) {
    return before == 0 ? now : before + WEIGHT * (now - before);
  }

  /** 0 = not known yet. */
  double prefillTokensPerSecond() {
    return prefillTokensPerSecond;
  }

  double decodeStepMicros() {
    return decodeStepMicros;
  }

  double requestMillis() {
    return requestMillis;
  }
}
