/**
 * Writing of GGUF v3 files, so that other engines can be run on the weights that Kvasir runs on.
 * Used by the benchmarks and by the reference tests; nothing in the serving path reads or writes
 * GGUF. Instances belong to one thread. Start at {@link
 * io.kvasir.runtime.checkpoint.gguf.GgufWriter}.
 */
package io.kvasir.runtime.checkpoint.gguf;
