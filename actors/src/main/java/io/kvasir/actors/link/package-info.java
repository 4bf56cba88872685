/**
 * The block transport between nodes: invitations and secrets travel as actor messages, which are
 * the authenticated channel; blocks never do. {@link io.kvasir.actors.link.Links} is what others
 * use, {@link io.kvasir.actors.link.LinkTable} holds the rules (a plain state machine owned by one
 * actor), {@link io.kvasir.actors.link.LinkService} starts it all.
 */
package io.kvasir.actors.link;
