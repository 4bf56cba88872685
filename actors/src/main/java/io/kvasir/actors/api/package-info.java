/**
 * Kvasir inside someone else's Pekko process: start a node, know when it is ready, generate through
 * HTTP or in process, stop it. Imports the rest of actors; imported by node and by applications.
 * Safe from any thread. Start at {@code Kvasir}.
 */
package io.kvasir.actors.api;
