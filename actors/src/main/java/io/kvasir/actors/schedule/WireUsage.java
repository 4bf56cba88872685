package io.kvasir.actors.schedule;

import io.kvasir.runtime.engine.Usage;

/** {@link Usage} as it travels. */
record WireUsage(
    int prompt,
    int device,
    int recomputed,
    int generated,
    long rowLayers,
    int preemptions,
    long queuedNs,
    long firstTokenNs,
    long totalNs) {

  static WireUsage of(Usage u) {
    return new WireUsage(
        u.promptTokens(),
        u.deviceHitTokens(),
        u.recomputedTokens(),
        u.generatedTokens(),
        u.rowLayersComputed(),
        u.preemptions(),
        u.queuedNs(),
        u.firstTokenNs(),
        u.totalNs());
  }

  Usage usage() {
    return new Usage(
        prompt,
        device,
        recomputed,
        generated,
        rowLayers,
        preemptions,
        queuedNs,
        firstTokenNs,
        totalNs);
  }
}
