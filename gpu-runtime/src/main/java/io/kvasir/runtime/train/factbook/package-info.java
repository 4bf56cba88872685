/**
 * The factbook: documents of short facts about named ships, and questions on them, made from a
 * seed.
 *
 * <p>Pure Java without libtorch, so trainer, benchmarks and the web page all use it. Generators are
 * owned by one thread; words, facts, documents and questions are immutable. Start at {@link
 * io.kvasir.runtime.train.factbook.Factbook}.
 */
package io.kvasir.runtime.train.factbook;
