package io.kvasir.actors.schedule;

import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.Usage;

/** {@link Usage} as it travels; the sources add up to the prompt. */
record WireUsage(
    int prompt,
    int device,
    int host,
    int disk,
    int peer,
    int remote,
    int reused,
    int recomputed,
    int generated,
    int replayed,
    long rowLayers,
    int preemptions,
    long queuedNs,
    long firstTokenNs,
    long totalNs) {

  static WireUsage of(Usage u) {
    PromptSources from = u.sources();
    return new WireUsage(
        u.promptTokens(),
        from.device(),
        from.host(),
        from.disk(),
        from.peer(),
        from.remote(),
        from.reused(),
        from.recomputed(),
        u.generatedTokens(),
        u.replayedTokens(),
        u.rowLayersComputed(),
        u.preemptions(),
        u.queuedNs(),
        u.firstTokenNs(),
        u.totalNs());
  }

  /**
   * The engine's form.
   *
   * @throws IllegalArgumentException when the sources do not add up (law 4)
   */
  Usage usage() {
    return new Usage(
        prompt,
        new PromptSources(device, host, disk, peer, remote, reused, recomputed),
        generated,
        replayed,
        rowLayers,
        preemptions,
        queuedNs,
        firstTokenNs,
        totalNs);
  }
}
