/**
 * The system as Pekko actors: {@code gpu} (one actor per device), {@code gateway} (OpenAI HTTP),
 * {@code api} (embedding), {@code observe} (metrics). Imports transport and gpu-runtime; may be
 * imported by {@code io.kvasir.node} and above.
 */
package io.kvasir.actors;
