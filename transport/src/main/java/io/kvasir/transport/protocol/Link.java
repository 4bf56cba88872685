package io.kvasir.transport.protocol;

import io.kvasir.transport.Lane;
import org.agrona.DirectBuffer;

/**
 * The way to one peer. A frame is staged (space claimed, bytes written), then committed or aborted
 * before the next one. Connects lazily: the first stage opens it. Owned by the agent.
 */
public interface Link {
  /** {@link #stage} results below zero mean the same as Aeron's offer results. */
  int NOT_CONNECTED = -1;

  int BACK_PRESSURED = -2;
  int ADMIN_ACTION = -3;
  int CLOSED = -4;
  int MAX_POSITION_EXCEEDED = -5;

  /**
   * Writes a frame but does not send it yet.
   *
   * @return 0, or one of the negative codes; then nothing is staged
   */
  int stage(
      Lane lane,
      DirectBuffer head,
      int headBytes,
      DirectBuffer payload,
      int payloadOffset,
      int payloadBytes);

  /** Sends the staged frame. */
  void commit();

  /** Takes the staged frame back. */
  void abort();

  /** Longest head and payload together on a lane. */
  int maxFrameBytes(Lane lane);

  /** Closes the way; the next stage opens another publication under the next number. */
  void reset();
}
