package io.kvasir.transport;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC32C of blocks by layer. Layer checksums are made once, at sealing; the checksum of a layer
 * range follows from them without touching the bytes, because a CRC is linear: appending n bytes
 * multiplies the register by x^8n, which is one 32 × 32 bit matrix for all layers of a block.
 */
public final class Checksums {
  /** CRC-32C (Castagnoli), reflected. */
  private static final int POLYNOMIAL = 0x82F63B78;

  private Checksums() {}

  /** One checksum a layer of the first {@code lengthBytes} of the view. */
  public static int[] ofLayers(ByteBuffer view, int lengthBytes, int layerCount) {
    int layerBytes = lengthBytes / layerCount;
    int[] checksums = new int[layerCount];
    CRC32C crc = new CRC32C();
    ByteBuffer bytes = view.duplicate();
    for (int layer = 0; layer < layerCount; layer++) {
      bytes.limit((layer + 1) * layerBytes).position(layer * layerBytes);
      crc.reset();
      crc.update(bytes);
      checksums[layer] = (int) crc.getValue();
    }
    return checksums;
  }

  /**
   * The CRC32C of layers {@code [first, limit)} laid end to end.
   *
   * @param checksums one a layer
   * @param layerBytes length of every layer
   */
  public static int combine(int[] checksums, int first, int limit, int layerBytes) {
    int combined = checksums[first];
    if (limit - first > 1) {
      int[] shift = shiftByBytes(layerBytes);
      for (int layer = first + 1; layer < limit; layer++) {
        combined = times(shift, combined) ^ checksums[layer];
      }
    }
    return combined;
  }

  /** Matrix of "append {@code count} zero bytes", by repeated squaring of "append one zero bit". */
  private static int[] shiftByBytes(int count) {
    int[] power = new int[32];
    power[0] = POLYNOMIAL;
    for (int bit = 1; bit < 32; bit++) {
      power[bit] = 1 << (bit - 1);
    }
    for (int doubling = 0; doubling < 3; doubling++) {
      power = product(power, power);
    }
    int[] result = null;
    for (int rest = count; rest != 0; rest >>>= 1) {
      if ((rest & 1) != 0) {
        result = result == null ? power : product(power, result);
      }
      power = product(power, power);
    }
    return result;
  }

  private static int[] product(int[] left, int[] right) {
    int[] result = new int[32];
    for (int column = 0; column < 32; column++) {
      result[column] = times(left, right[column]);
    }
    return result;
  }

  private static int times(int[] matrix, int vector) {
    int sum = 0;
    for (int rest = vector; rest != 0; rest &= rest - 1) {
      sum ^= matrix[Integer.numberOfTrailingZeros(rest)];
    }
    return sum;
  }
}
