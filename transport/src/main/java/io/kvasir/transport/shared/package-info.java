/**
 * Memory of blocks in files that other processes of this host map: a reader copies a slot itself,
 * without the owner's help, and proves its generation before and after.
 *
 * <p>{@link io.kvasir.transport.shared.SharedFolder} is the owner's side, {@link
 * io.kvasir.transport.shared.PeerMemory} the reader's; {@link
 * io.kvasir.transport.shared.SharedLayout} is what both know.
 */
package io.kvasir.transport.shared;
