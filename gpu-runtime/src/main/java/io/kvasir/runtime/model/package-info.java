/**
 * Decoder models and the layer seam: a step is data (work items over rows and layers), executed
 * layer by layer with four row sets per item and layer. May be imported by engine, reuse, evict,
 * quantize, sparse, speculate and train; imports device, cache and checkpoint. Single-threaded: the
 * engine's thread. Start at {@code StepExecutor}, then {@code LayerPlan} and {@code WorkItem}.
 */
package io.kvasir.runtime.model;
