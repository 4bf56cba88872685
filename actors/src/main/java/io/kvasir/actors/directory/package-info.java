/**
 * Which node and tier holds which block: soft state in primitive tables, on at least two nodes,
 * built from the owners' announcements and verified on use. {@link
 * io.kvasir.actors.directory.Directory} is what others call; {@link
 * io.kvasir.actors.directory.Announcer} is what owners tell.
 */
package io.kvasir.actors.directory;
