/**
 * AES-GCM per frame: lane keys derived from the caller's secrets, nonces that cannot repeat,
 * rotation. Used by media when they open a connection; owned by the transport's agent but for the
 * installation of keys. Start at {@link io.kvasir.transport.crypto.LaneCipher}.
 */
package io.kvasir.transport.crypto;
