/** Benchmarks of guided decoding. Single-threaded. Start at {@code GrammarBench}. */
package io.kvasir.runtime.engine.grammar.bench;
