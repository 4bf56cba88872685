package io.kvasir.transport.media;

import io.kvasir.transport.Lane;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.protocol.Link;
import org.agrona.DirectBuffer;

/** The two directions of one peer's connection. Agent only. */
public interface Endpoint extends Link, AutoCloseable {
  /** Takes what arrives. */
  interface FrameHandler {
    /** One frame; the buffer is valid during the call. */
    void onFrame(Lane lane, DirectBuffer buffer, int offset, int lengthBytes);
  }

  /**
   * Hands a bounded number of frames to the handler: control and small vectors first, and again
   * after at most one large bulk frame.
   *
   * @return frames handed over
   */
  int poll(FrameHandler handler);

  /** Whether the way from the peer went away since the last call. */
  boolean pollLost();

  /** What carries the frames. */
  MediumKind kind();

  /** Ends both directions. */
  @Override
  void close();
}
