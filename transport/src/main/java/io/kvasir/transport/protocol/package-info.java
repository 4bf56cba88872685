/**
 * The transfer protocol as pure state machines: frames, commands and time in; frames (through
 * {@code Link}), verdicts and counters out. No clock, no thread, no I/O, so the simulation in the
 * tests runs exactly what production runs. Used by media and the API's implementation; owned by the
 * transport's agent. Start at {@link io.kvasir.transport.protocol.TransportCore}.
 */
package io.kvasir.transport.protocol;
