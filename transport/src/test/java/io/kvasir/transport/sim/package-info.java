/**
 * The simulation kernel: one scheduler with a virtual clock, an in-memory network with seeded
 * faults, nodes that crash and restart. Runs the production protocol, replays by seed, is shipped
 * as a test-jar for later modules. Single-threaded. Start at {@link
 * io.kvasir.transport.sim.SimCluster}.
 */
package io.kvasir.transport.sim;
