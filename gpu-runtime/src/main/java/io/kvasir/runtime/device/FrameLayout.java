package io.kvasir.runtime.device;

/**
 * One head frame: the K and V of {@code slots} entries of one layer and KV head.
 *
 * <pre>
 * offset                     bytes                      meaning (little endian)
 * 0                          keyWidth × slots × b       K, channel-major: [channel][slot]
 * keyWidth × slots × b       slots × valueWidth × b     V, slot-major: [slot][channel]
 * </pre>
 *
 * K is channel-major so that a score is one fma chain per lane over slots; V is slot-major so that
 * the weighted sum is one fma chain per lane over channels. A token page is a row of frames
 * [layer][KV head]; a head page is one frame. Positions, indices and weights live in side tables,
 * so frames of both page forms are the same.
 *
 * @param slots entries per frame, a multiple of 16
 * @param keysRotated whether keys were rotated when written; if not, the reader rotates them
 */
public record FrameLayout(
    PageEncoding encoding, int slots, int keyWidth, int valueWidth, boolean keysRotated) {
  public static final int ALIGNMENT_BYTES = 64;

  public FrameLayout {
    if (slots <= 0 || slots % 16 != 0) {
      throw new IllegalArgumentException(
          "page slots=" + slots + " is not a positive multiple of 16, use 16, 32 or 64");
    }
    if (keyWidth <= 0 || valueWidth <= 0 || keyWidth % 2 != 0 || valueWidth % 2 != 0) {
      throw new IllegalArgumentException(
          "frame widths key=" + keyWidth + " value=" + valueWidth + " must be positive and even");
    }
  }

  public long keyBytes() {
    return (long) keyWidth * slots * encoding.bytesPerValue();
  }

  public long valueBytes() {
    return (long) valueWidth * slots * encoding.bytesPerValue();
  }

  /** Bytes of one frame; a multiple of 64 because slots is a multiple of 16 and widths are even. */
  public long frameBytes() {
    return keyBytes() + valueBytes();
  }
}
