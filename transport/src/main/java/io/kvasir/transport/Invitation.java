package io.kvasir.transport;

import java.util.Objects;

/**
 * What a peer needs to know to send to this node. Made by {@link BlockTransport#invite}, carried to
 * the peer over the caller's authenticated channel, used there with {@link BlockTransport#connect}.
 * Each side invites the other. Subscriptions take only the sessions named by an invitation, so
 * frames and set-ups of strangers get no buffers.
 *
 * @param nodeId the inviting node
 * @param incarnation its life; frames to any other are refused
 * @param guestNodeId the node that may use the invitation
 * @param driverId digest that names the media driver; equal ones share memory. 0 = none
 * @param endpoint {@code host:port} for UDP, or empty
 * @param streamBase Aeron stream of the control lane; the others follow
 * @param sessionBase session ids are this plus the publication number, counting from 1
 */
public record Invitation(
    long nodeId,
    long incarnation,
    long guestNodeId,
    long driverId,
    String endpoint,
    int streamBase,
    int sessionBase) {
  public Invitation {
    Objects.requireNonNull(endpoint, "endpoint");
  }
}
