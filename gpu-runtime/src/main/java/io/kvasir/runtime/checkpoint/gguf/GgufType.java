package io.kvasir.runtime.checkpoint.gguf;

import java.nio.ByteBuffer;

/** How one row of a tensor is stored in a GGUF file. */
public enum GgufType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  /** Blocks of 32: an f16 scale, then 32 signed bytes. */
  Q8_0(8, 32, 34),
  BF16(30, 1, 2);

  final int code;
  final int blockElements;
  private final int blockBytes;

  GgufType(int code, int blockElements, int blockBytes) {
    this.code = code;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Bytes of a row of {@code columns} elements, a multiple of the block. */
  long rowBytes(long columns) {
    return columns / blockElements * blockBytes;
  }

  /** Appends one row, little endian; values are rounded to nearest. */
  void encode(float[] row, ByteBuffer target) {
    switch (this) {
      case F32 -> {
        for (float value : row) {
          target.putFloat(value);
        }
      }
      case F16 -> {
        for (float value : row) {
          target.putShort(Float.floatToFloat16(value));
        }
      }
      case BF16 -> {
        for (float value : row) {
          target.putShort(bfloat16(value));
        }
      }
      case Q8_0 -> {
        for (int from = 0; from < row.length; from += 32) {
          encodeQ8Block(row, from, target);
        }
      }
    }
  }

  private static void encodeQ8Block(float[] row, int from, ByteBuffer target) {
    float largest = 0;
    for (int i = 0; i < 32; i++) {
      largest = Math.max(largest, Math.abs(row[from + i]));
    }
    float scale = largest / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    target.putShort(Float.floatToFloat16(scale));
    for (int i = 0; i < 32; i++) {
      float scaled = row[from + i] * inverse;
      target.put((byte) (scaled < 0 ? (int) (scaled - 0.5f) : (int) (scaled + 0.5f)));
    }
  }

  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }
}
