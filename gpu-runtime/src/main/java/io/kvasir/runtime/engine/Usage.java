package io.kvasir.runtime.engine;

/**
 * Where the tokens of a request came from (law 4): {@code promptTokens = deviceHitTokens +
 * recomputedTokens}.
 *
 * @param rowLayersComputed rows × layers run for this request, replays after preemption included
 * @param preemptions how often its cache was given up and recomputed
 */
public record Usage(
    int promptTokens,
    int deviceHitTokens,
    int recomputedTokens,
    int generatedTokens,
    long rowLayersComputed,
    int preemptions,
    long queuedNs,
    long firstTokenNs,
    long totalNs) {}
