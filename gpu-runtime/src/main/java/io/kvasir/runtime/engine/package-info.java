/**
 * Continuous batching: admission, chunked prefill, the step loop, sampling and stop rules. One
 * engine per device, driven by one thread; requests enter and tokens leave through bounded
 * lock-free hand-over. May be imported by actors. Start at {@code Engine}.
 */
package io.kvasir.runtime.engine;
