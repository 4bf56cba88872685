/**
 * Whole-system benchmarks behind {@code kvasir bench …}: each prints a table with the machine, the
 * commit and the seed, judges its rows against goals that stand beside their reasons, and runs its
 * peers in processes of their own. Single-threaded drivers; nothing outside imports this package
 * but the command line. Start at {@link io.kvasir.node.bench.EngineBench} and {@link
 * io.kvasir.node.bench.BenchReport}.
 */
package io.kvasir.node.bench;
