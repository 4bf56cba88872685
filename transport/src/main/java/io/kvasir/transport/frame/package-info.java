/**
 * Frames as bytes: writing, proving and opening one frame. {@code FrameReader} is the only door for
 * bytes of others: what it lets through can be decoded without a bounds failure. Used by protocol
 * and media; owned by the transport's agent. Start at {@link
 * io.kvasir.transport.frame.FrameReader}.
 */
package io.kvasir.transport.frame;
