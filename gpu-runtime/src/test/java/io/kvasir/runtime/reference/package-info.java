/**
 * Independent implementations that the engine is held equal to: libtorch in f64 and llama.cpp. They
 * read checkpoint folders with their own few lines and share no code with {@code checkpoint} or
 * {@code model}, so that one misreading cannot hide on both sides. Instances belong to one thread.
 * Start at {@link io.kvasir.runtime.reference.TorchReference}.
 */
package io.kvasir.runtime.reference;
