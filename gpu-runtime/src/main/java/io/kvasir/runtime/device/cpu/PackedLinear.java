package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.WeightFormat;

/**
 * A linear layer in column panels (see {@link PanelShape}). Each part is padded to whole panels
 * with zeros. Panels fill heap arrays ("stores") of at most 2^30 elements, so that a layer may
 * exceed an array's limit; a panel never spans two stores.
 *
 * <pre>
 * F32        float[]  [panel][k][column]
 * BF16, F16  short[]  [panel][k][column, interleaved]
 * INT8       byte[]   [panel][k][column]              float[] [panel][block of 32 k][column]
 * INT4       byte[]   [panel][k / 2][column]          the same; even k in the low nibble
 * </pre>
 *
 * INT8: scale = absmax / 127. INT4: scale = m / −8 where m is the value of largest magnitude, sign
 * kept, so that m itself is exact and all 16 codes are used. Codes round to nearest even.
 */
final class PackedLinear implements CpuWeight {
  private static final int MAX_STORE = 1 << 30;

  final WeightFormat format;
  final PanelShape shape;
  final int inWidth;
  final int panelLength;
  final int scaleLength;
  final int panelsPerStore;

  /** First panel of each part; one more for the end. */
  final int[] partPanel;

  /** First output column of each part; one more for the end. */
  final int[] partColumn;

  float[][] floats;
  short[][] shorts;
  byte[][] bytes;
  float[][] scales;

  PackedLinear(WeightFormat format, PanelShape shape, int inWidth, int[] partWidths) {
    this.format = format;
    this.shape = shape;
    this.inWidth = inWidth;
    int rows = format == WeightFormat.INT4 ? (inWidth + 1) / 2 : inWidth;
    long length = (long) rows * shape.columns();
    if (length > MAX_STORE) {
      throw new DeviceException(
          "linear inputs=" + inWidth + " exceed what one panel holds, split the layer's inputs");
    }
    panelLength = (int) length;
    scaleLength = format.quantised() ? blocks() * shape.columns() : 0;
    panelsPerStore = Math.max(1, MAX_STORE / Math.max(1, panelLength));
    partPanel = new int[partWidths.length + 1];
    partColumn = new int[partWidths.length + 1];
    for (int p = 0; p < partWidths.length; p++) {
      int panels = (partWidths[p] + shape.columns() - 1) / shape.columns();
      partPanel[p + 1] = partPanel[p] + panels;
      partColumn[p + 1] = Math.addExact(partColumn[p], partWidths[p]);
    }
    allocate();
  }

  private void allocate() {
    int stores = (panelCount() + panelsPerStore - 1) / panelsPerStore;
    floats = format == WeightFormat.F32 ? new float[stores][] : null;
    shorts = format == WeightFormat.BF16 || format == WeightFormat.F16 ? new short[stores][] : null;
    bytes = format.quantised() ? new byte[stores][] : null;
    scales = format.quantised() ? new float[stores][] : null;
    for (int s = 0; s < stores; s++) {
      int panels = Math.min(panelsPerStore, panelCount() - s * panelsPerStore);
      if (floats != null) {
        floats[s] = new float[panels * panelLength];
      } else if (shorts != null) {
        shorts[s] = new short[panels * panelLength];
      } else {
        bytes[s] = new byte[panels * panelLength];
        scales[s] = new float[panels * scaleLength];
      }
    }
  }

  int blocks() {
    return (inWidth + WeightFormat.BLOCK - 1) / WeightFormat.BLOCK;
  }

  int panelCount() {
    return partPanel[partPanel.length - 1];
  }

  int store(int panel) {
    return panel / panelsPerStore;
  }

  int panelOffset(int panel) {
    return panel % panelsPerStore * panelLength;
  }

  int scaleOffset(int panel) {
    return panel % panelsPerStore * scaleLength;
  }

  /** The part that output {@code column} belongs to. */
  int partOf(int column) {
    int part = 0;
    while (column >= partColumn[part + 1]) {
      part++;
    }
    return part;
  }

  /** Where value (k, column) of a panel lies, counted from the panel's start. */
  int position(int k, int column) {
    return switch (format) {
      case F32, INT8 -> k * shape.columns() + column;
      case BF16, F16 -> k * shape.columns() + shape.position16(column);
      case INT4 -> k / 2 * shape.columns() + column;
    };
  }

  /** The stored value as f32: the weight itself, or the integer code of a quantised one. */
  float code(int panel, int k, int column) {
    int at = panelOffset(panel) + position(k, column);
    return switch (format) {
      case F32 -> floats[store(panel)][at];
      case BF16 -> Bits16.fromBf16(shorts[store(panel)][at]);
      case F16 -> Bits16.fromF16(shorts[store(panel)][at]);
      case INT8 -> bytes[store(panel)][at];
      case INT4 ->
          (k & 1) == 0 ? (byte) (bytes[store(panel)][at] << 4) >> 4 : bytes[store(panel)][at] >> 4;
    };
  }

  /** Scale of the block of 32 that input {@code k} lies in. */
  float scale(int panel, int k, int column) {
    int at = scaleOffset(panel) + k / WeightFormat.BLOCK * shape.columns() + column;
    return scales[store(panel)][at];
  }

  @Override
  public void readColumn(int column, float[] target, int offset) {
    int part = partOf(column);
    int inside = column - partColumn[part];
    int panel = partPanel[part] + inside / shape.columns();
    int lane = inside % shape.columns();
    for (int k = 0; k < inWidth; k++) {
      float code = code(panel, k, lane);
      target[offset + k] = format.quantised() ? code * scale(panel, k, lane) : code;
    }
  }

  @Override
  public WeightFormat format() {
    return format;
  }

  @Override
  public int inWidth() {
    return inWidth;
  }

  @Override
  public int outWidth() {
    return partColumn[partColumn.length - 1];
  }

  @Override
  public int partCount() {
    return partColumn.length - 1;
  }

  @Override
  public int partWidth(int part) {
    return partColumn[part + 1] - partColumn[part];
  }

  @Override
  public long bytes() {
    long values = (long) panelCount() * panelLength;
    long perValue = floats != null ? 4 : shorts != null ? 2 : 1;
    return values * perValue + 4L * panelCount() * scaleLength;
  }

  boolean closed() {
    return floats == null && shorts == null && bytes == null;
  }

  @Override
  public void close() {
    floats = null;
    shorts = null;
    bytes = null;
    scales = null;
  }
}
