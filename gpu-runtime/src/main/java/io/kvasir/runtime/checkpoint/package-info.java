/**
 * Hugging Face folders exactly as published: configuration, weights, tokenizer, chat template,
 * generation defaults; and seeded stand-ins for models that cannot be downloaded. Imports nothing
 * of engine, cache or device; those import this. Everything here is immutable after opening, except
 * {@code StreamDecoder} (one per stream, one thread). Start at {@code Checkpoint}.
 */
package io.kvasir.runtime.checkpoint;
