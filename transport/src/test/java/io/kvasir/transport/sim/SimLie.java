package io.kvasir.transport.sim;

import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.wire.BlockDataDecoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/** A plain frame with one field changed behind its header and a checksum that says it is right. */
final class SimLie {
  private static final long[] EDGES = {
    0,
    1,
    2,
    255,
    256,
    65_535,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1
  };

  private SimLie() {}

  static byte[] about(byte[] frame, SplittableRandom random) {
    byte[] changed = frame.clone();
    ByteBuffer bytes = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
    int width = 1 << random.nextInt(4);
    int places = (changed.length - FrameLayout.HEADER_BYTES) / width;
    if (places < 1) {
      return changed;
    }
    int at = FrameLayout.HEADER_BYTES + width * random.nextInt(Math.min(places, 64 / width));
    long value = random.nextBoolean() ? EDGES[random.nextInt(EDGES.length)] : random.nextLong(300);
    switch (width) {
      case 1 -> bytes.put(at, (byte) value);
      case 2 -> bytes.putShort(at, (short) value);
      case 4 -> bytes.putInt(at, (int) value);
      default -> bytes.putLong(at, value);
    }
    int blockLimit = FrameLayout.HEADER_BYTES + (bytes.getShort(0) & 0xFFFF);
    boolean bulk = bytes.getShort(2) == BlockDataDecoder.TEMPLATE_ID;
    bytes.putInt(FrameLayout.CHECKSUM_OFFSET, 0);
    CRC32C crc = new CRC32C();
    crc.update(changed, 0, bulk ? blockLimit : changed.length);
    bytes.putInt(FrameLayout.CHECKSUM_OFFSET, (int) crc.getValue());
    return changed;
  }
}
