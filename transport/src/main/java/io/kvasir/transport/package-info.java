/**
 * KV blocks between processes over Aeron. Knows bytes and block ids; imports nothing of models,
 * actors or gpu-runtime, and may be imported by {@code io.kvasir.actors} and above.
 */
package io.kvasir.transport;
