package io.kvasir.runtime.device.cpu;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Widens a stretch of a packed panel to f32 (codes of quantised formats unscaled). */
final class PanelExpander {
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  private PanelExpander() {}

  /** Two bf16 in a lane: the low one moves up, the high one is masked. */
  static void bf16(short[] from, int at, int depth, float[] to) {
    for (int k = 0; k < depth; k++) {
      IntVector pair =
          ShortVector.fromArray(Lanes.S_FULL, from, at + k * PANEL).reinterpretAsInts();
      lowBf16(pair).intoArray(to, k * PANEL);
      highBf16(pair).intoArray(to, k * PANEL + L);
    }
  }

  static FloatVector lowBf16(IntVector pair) {
    return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  static FloatVector highBf16(IntVector pair) {
    return pair.and(0xffff0000).reinterpretAsFloats();
  }

  static void f16(short[] from, int at, int depth, float[] to) {
    for (int k = 0; k < depth; k++) {
      IntVector pair =
          ShortVector.fromArray(Lanes.S_FULL, from, at + k * PANEL).reinterpretAsInts();
      lowF16(pair).intoArray(to, k * PANEL);
      highF16(pair).intoArray(to, k * PANEL + L);
    }
  }

  static FloatVector lowF16(IntVector pair) {
    return widenF16(
        pair.and(0x7fff).lanewise(VectorOperators.LSHL, 13),
        pair.lanewise(VectorOperators.LSHL, 16));
  }

  static FloatVector highF16(IntVector pair) {
    return widenF16(pair.lanewise(VectorOperators.LSHR, 3).and(0x7fff << 13), pair);
  }

  /** See {@link Bits16#fromF16}; {@code sign} carries it in the top bit. */
  private static FloatVector widenF16(IntVector magnitude, IntVector sign) {
    return magnitude
        .reinterpretAsFloats()
        .mul(0x1p112f)
        .reinterpretAsInts()
        .or(sign.and(0x80000000))
        .reinterpretAsFloats();
  }

  static void int8(byte[] from, int at, int depth, float[] to) {
    if (L < 8) {
      for (int i = 0; i < depth * PANEL; i++) {
        to[i] = from[at + i];
      }
      return;
    }
    for (int k = 0; k < depth; k++) {
      int8(from, at + k * PANEL).intoArray(to, k * PANEL);
      int8(from, at + k * PANEL + L).intoArray(to, k * PANEL + L);
    }
  }

  static FloatVector int8(byte[] from, int at) {
    return (FloatVector)
        ByteVector.fromArray(Lanes.B, from, at).convertShape(VectorOperators.B2F, Lanes.F, 0);
  }

  /** A byte row holds two steps of k: the even one in the low nibbles. */
  static void int4(byte[] from, int at, int depth, float[] to) {
    if (L < 8) {
      for (int k = 0; k < depth; k++) {
        int row = at + k / 2 * PANEL;
        for (int c = 0; c < PANEL; c++) {
          to[k * PANEL + c] = (k & 1) == 0 ? (byte) (from[row + c] << 4) >> 4 : from[row + c] >> 4;
        }
      }
      return;
    }
    int k = 0;
    for (; k + 1 < depth; k += 2) {
      int row = at + k / 2 * PANEL;
      IntVector first = bytes(from, row);
      IntVector second = bytes(from, row + L);
      evenInt4(first).intoArray(to, k * PANEL);
      evenInt4(second).intoArray(to, k * PANEL + L);
      oddInt4(first).intoArray(to, k * PANEL + PANEL);
      oddInt4(second).intoArray(to, k * PANEL + PANEL + L);
    }
    if (k < depth) {
      int row = at + k / 2 * PANEL;
      evenInt4(bytes(from, row)).intoArray(to, k * PANEL);
      evenInt4(bytes(from, row + L)).intoArray(to, k * PANEL + L);
    }
  }

  /** Sign-extended bytes. */
  static IntVector bytes(byte[] from, int at) {
    return (IntVector)
        ByteVector.fromArray(Lanes.B, from, at).convertShape(VectorOperators.B2I, Lanes.I, 0);
  }

  static FloatVector evenInt4(IntVector bytes) {
    return toFloat(bytes.lanewise(VectorOperators.LSHL, 28).lanewise(VectorOperators.ASHR, 28));
  }

  static FloatVector oddInt4(IntVector bytes) {
    return toFloat(bytes.lanewise(VectorOperators.ASHR, 4));
  }

  private static FloatVector toFloat(IntVector values) {
    return (FloatVector) values.convert(VectorOperators.I2F, 0);
  }
}
