/**
 * A cluster in one JVM: real actor systems over sockets, real engines, tiers, links and directory;
 * only membership is said by the scenario. Calls between them can be held, changed or lost at the
 * public seams. Used by scenarios whose fault must strike between two steps of one node. Any
 * thread. Start at {@link io.kvasir.chaos.local.LocalCluster}.
 */
package io.kvasir.chaos.local;
