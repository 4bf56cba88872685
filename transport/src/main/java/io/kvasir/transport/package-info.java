/**
 * KV blocks between processes over Aeron: the public API. Knows bytes and block ids; imports
 * nothing of models, actors or gpu-runtime, and may be imported by {@code io.kvasir.actors} and
 * above. All protocol state belongs to the transport's one agent; the API may be called from any
 * thread. Start at {@link io.kvasir.transport.BlockTransport}, then {@code protocol.TransportCore};
 * frame layouts are in {@code kvasir-transport.xml}.
 */
package io.kvasir.transport;
