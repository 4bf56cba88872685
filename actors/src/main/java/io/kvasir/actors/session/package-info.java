/**
 * What is remembered of a conversation or agent program between its requests: who served it last.
 * Cluster-sharded, soft state, off the critical path: no request waits for it. Imported by the
 * gateway; imports the cluster view. Actors own the state; {@link
 * io.kvasir.actors.session.Sessions} may be called by any thread. Start there.
 */
package io.kvasir.actors.session;
