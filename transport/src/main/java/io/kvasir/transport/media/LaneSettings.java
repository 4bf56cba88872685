package io.kvasir.transport.media;

import io.kvasir.transport.frame.FrameLayout;

/**
 * Log and frame sizes of one lane on one medium. Log memory is {@code 3 × termBytes} at the sender
 * and, over UDP, as much again at the receiver.
 *
 * @param termBytes power of two, at least 64 KiB; a frame must not exceed an eighth of it
 * @param mtuBytes multiple of 32; a frame is at most this less 32
 * @param windowBytes receiver window over UDP, at most half a term; 0 = the driver's default. The
 *     bulk lane's holds for all lanes of an endpoint (the driver keeps one), cut to half their
 *     terms
 */
public record LaneSettings(int termBytes, int mtuBytes, int windowBytes) {
  /** Aeron's frame header. */
  static final int DATA_HEADER_BYTES = 32;

  private static final int MIN_TERM_BYTES = 64 << 10;
  static final int MAX_MTU_BYTES = 65_504;

  public LaneSettings {
    if (termBytes < MIN_TERM_BYTES || Integer.bitCount(termBytes) != 1) {
      throw new IllegalArgumentException(
          "termBytes=" + termBytes + " is no power of two from " + MIN_TERM_BYTES);
    }
    int least = FrameLayout.MIN_FRAME_LIMIT_BYTES + FrameLayout.TAG_BYTES + DATA_HEADER_BYTES;
    if (mtuBytes < least || mtuBytes > MAX_MTU_BYTES || mtuBytes % 32 != 0) {
      throw new IllegalArgumentException(
          "mtuBytes=" + mtuBytes + " is no multiple of 32 in " + least + ".." + MAX_MTU_BYTES);
    }
    if (mtuBytes > termBytes / 8) {
      throw new IllegalArgumentException(
          "mtuBytes="
              + mtuBytes
              + " > termBytes/8="
              + termBytes / 8
              + "; raise the term or lower the MTU");
    }
    if (windowBytes < 0 || windowBytes > termBytes / 2) {
      throw new IllegalArgumentException(
          "windowBytes=" + windowBytes + " is outside 0..termBytes/2=" + termBytes / 2);
    }
  }

  int maxFrameBytes() {
    return mtuBytes - DATA_HEADER_BYTES;
  }
}
