/**
 * What carries frames: rings within a JVM, Aeron over shared memory, Aeron over UDP. Adapters
 * without protocol knowledge: they claim, write and poll, and report when a way is gone. Used by
 * the agent only, on its thread. Start at {@link io.kvasir.transport.media.Medium}.
 */
package io.kvasir.transport.media;
