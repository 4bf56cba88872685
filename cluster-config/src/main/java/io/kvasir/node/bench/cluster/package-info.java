/**
 * {@code kvasir bench serving}: real node processes on this machine, asked over HTTP, and what
 * their tiers, routing and failover cost. Each part has its cluster; goals and their arithmetic
 * stand in {@link io.kvasir.node.bench.cluster.ClusterGoals}. One thread drives, a few more are
 * clients of the routing trace. Imported by the command line only. Start at {@link
 * io.kvasir.node.bench.cluster.ClusterBench}.
 */
package io.kvasir.node.bench.cluster;
