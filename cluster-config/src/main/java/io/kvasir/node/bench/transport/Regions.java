package io.kvasir.node.bench.transport;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.agrona.BufferUtil;

/** The memory between which bytes move: larger than any cache, so that copies are honest. */
final class Regions {
  /** Of each end. */
  static final int BYTES = 256 << 20;

  static final int ALIGNMENT = 4096;

  private Regions() {}

  /** A region with contents that follow from the seed. */
  static ByteBuffer filled(long seed) {
    ByteBuffer region = empty();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < BYTES; i += Long.BYTES) {
      region.putLong(i, random.nextLong());
    }
    return region;
  }

  /** A region whose pages are there. */
  static ByteBuffer empty() {
    ByteBuffer region = BufferUtil.allocateDirectAligned(BYTES, ALIGNMENT);
    for (int i = 0; i < BYTES; i += ALIGNMENT) {
      region.put(i, (byte) 1);
    }
    return region;
  }

  /** Checksum of the whole region. */
  static long crc(ByteBuffer region) {
    CRC32C crc = new CRC32C();
    crc.update(region.duplicate().clear());
    return crc.getValue();
  }
}
