package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.WeightFormat;

/** Brings checkpoint rows into panels or tables; refuses values that no kernel could serve. */
final class WeightPacker {
  private WeightPacker() {}

  static PackedLinear pack(WeightFormat format, PanelShape shape, MatrixSource... parts) {
    if (parts.length == 0) {
      throw new DeviceException("pack() got 0 parts, give at least one matrix");
    }
    int inWidth = parts[0].columns();
    int[] widths = new int[parts.length];
    for (int p = 0; p < parts.length; p++) {
      if (parts[p].columns() != inWidth) {
        throw new DeviceException(
            "part "
                + p
                + " columns="
                + parts[p].columns()
                + " != columns="
                + inWidth
                + " of part 0, stack only matrices of one input");
      }
      widths[p] = parts[p].rows();
    }
    PackedLinear packed = allocate(format, shape, inWidth, widths);
    float[] row = new float[inWidth];
    for (int p = 0; p < parts.length; p++) {
      for (int r = 0; r < widths[p]; r++) {
        parts[p].readRow(r, row, 0);
        requireFinite(row, format, p, r);
        int panel = packed.partPanel[p] + r / shape.columns();
        writeColumn(packed, panel, r % shape.columns(), row);
      }
    }
    return packed;
  }

  private static PackedLinear allocate(
      WeightFormat format, PanelShape shape, int inWidth, int[] widths) {
    try {
      return new PackedLinear(format, shape, inWidth, widths);
    } catch (OutOfMemoryError e) {
      throw heapExhausted("linear layer of " + inWidth + " inputs", e);
    }
  }

  static DeviceException heapExhausted(String what, OutOfMemoryError cause) {
    return new DeviceException(
        what
            + " does not fit the heap of "
            + (Runtime.getRuntime().maxMemory() >> 20)
            + " MiB, raise -Xmx or choose a smaller weight format",
        cause);
  }

  static TableWeight packTable(WeightFormat format, MatrixSource table) {
    if (format.quantised()) {
      throw new DeviceException(
          "table format=" + format + " is quantised, store tables as F32, BF16 or F16");
    }
    TableWeight packed;
    try {
      packed = new TableWeight(format, table.rows(), table.columns());
    } catch (OutOfMemoryError e) {
      throw heapExhausted("embedding table of " + table.rows() + " rows", e);
    }
    float[] row = new float[table.columns()];
    for (int r = 0; r < table.rows(); r++) {
      table.readRow(r, row, 0);
      requireFinite(row, format, 0, r);
      packed.writeRow(r, row);
    }
    return packed;
  }

  private static void requireFinite(float[] row, WeightFormat format, int part, int r) {
    float limit = format == WeightFormat.F16 ? 65519.996f : Float.MAX_VALUE;
    float bf16Limit = Float.intBitsToFloat(0x7f7f7fff);
    for (int k = 0; k < row.length; k++) {
      float magnitude = Math.abs(row[k]);
      boolean fits = magnitude <= (format == WeightFormat.BF16 ? bf16Limit : limit);
      if (!fits) {
        throw new DeviceException(
            "weight part "
                + part
                + " row "
                + r
                + " column "
                + k
                + " value="
                + row[k]
                + " is not finite in "
                + format
                + ", repair the checkpoint or choose a wider format");
      }
    }
  }

  private static void writeColumn(PackedLinear packed, int panel, int column, float[] row) {
    int store = packed.store(panel);
    int base = packed.panelOffset(panel);
    switch (packed.format) {
      case F32 -> {
        float[] to = packed.floats[store];
        for (int k = 0; k < row.length; k++) {
          to[base + packed.position(k, column)] = row[k];
        }
      }
      case BF16 -> {
        short[] to = packed.shorts[store];
        int at = base + packed.position(0, column);
        for (int k = 0; k < row.length; k++, at += packed.shape.columns()) {
          to[at] = Bits16.toBf16(row[k]);
        }
      }
      case F16 -> {
        short[] to = packed.shorts[store];
        int at = base + packed.position(0, column);
        for (int k = 0; k < row.length; k++, at += packed.shape.columns()) {
          to[at] = Bits16.toF16(row[k]);
        }
      }
      case INT8, INT4 -> quantise(packed, panel, column, row);
    }
  }

  private static void quantise(PackedLinear packed, int panel, int column, float[] row) {
    byte[] codes = packed.bytes[packed.store(panel)];
    float[] scales = packed.scales[packed.store(panel)];
    int base = packed.panelOffset(panel);
    int columns = packed.shape.columns();
    for (int b = 0; b < packed.blocks(); b++) {
      int from = b * WeightFormat.BLOCK;
      int to = Math.min(row.length, from + WeightFormat.BLOCK);
      float extreme = extreme(row, from, to);
      boolean wide = packed.format == WeightFormat.INT8;
      float scale = wide ? Math.abs(extreme) / 127f : extreme / -8f;
      scales[packed.scaleOffset(panel) + b * columns + column] = scale;
      for (int k = from; k < to; k++) {
        int code = scale == 0f ? 0 : (int) Math.rint((double) row[k] / scale);
        int at = base + packed.position(k, column);
        if (wide) {
          codes[at] = (byte) Math.clamp((long) code, -127, 127);
        } else {
          int nibble = Math.clamp((long) code, -8, 7) & 15;
          codes[at] |= (byte) ((k & 1) == 0 ? nibble : nibble << 4);
        }
      }
    }
  }

  /** The value of largest magnitude, with its sign; the first of equals. */
  private static float extreme(float[] row, int from, int to) {
    float extreme = 0f;
    for (int k = from; k < to; k++) {
      if (Math.abs(row[k]) > Math.abs(extreme)) {
        extreme = row[k];
      }
    }
    return extreme;
  }
}
