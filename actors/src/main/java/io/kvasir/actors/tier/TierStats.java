package io.kvasir.actors.tier;

/**
 * What a host tier has done since it started, and what it holds now.
 *
 * @param capacityBytes most it may hold
 * @param usedBytes held by blocks, those being filled included
 * @param blocks that can be loaded
 * @param leases not ended
 * @param leasedBytes of blocks under a lease
 * @param filling slots being filled
 * @param lookups blocks asked for
 * @param hits of them found
 * @param stored blocks that came in
 * @param evicted blocks that had to give way
 * @param corrupt blocks dropped because their bytes had changed
 * @param full blocks turned away because everything was in use
 * @param expired leases that their deadline ended
 */
public record TierStats(
    long capacityBytes,
    long usedBytes,
    int blocks,
    int leases,
    long leasedBytes,
    int filling,
    long lookups,
    long hits,
    long stored,
    long evicted,
    long corrupt,
    long full,
    long expired) {}
