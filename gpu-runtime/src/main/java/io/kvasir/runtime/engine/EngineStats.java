package io.kvasir.runtime.engine;

/** Counters since start and gauges of now. */
public record EngineStats(
    int waiting,
    int running,
    long steps,
    long stepNs,
    long promptTokens,
    long promptTokensHit,
    long generatedTokens,
    long finishedRequests,
    long cancelledRequests,
    long refusedRequests,
    long preemptions,
    long arenaBytes,
    long arenaUsedBytes,
    long arenaReferencedBytes,
    int leases) {}
